import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { isJsonObject } from '../../domain/json.ts';
import { type NanoUsd, nanoUsd } from '../../domain/money/nano.ts';

/** An item as DynamoDB holds it. */
export type Item = Readonly<Record<string, AttributeValue>>;

export const textAttribute = (value: string): AttributeValue => ({ S: value });
/** An integer, exact at any size. Numbers are rounded to whole ones. */
export const numberAttribute = (value: number | bigint): AttributeValue => ({
  N: String(typeof value === 'bigint' ? value : Math.round(value)),
});
export const listAttribute = (values: readonly string[]): AttributeValue => ({
  L: values.map(textAttribute),
});

/** The text of an attribute that our own code wrote; '' where there is none. */
export const readText = (item: Item, name: string): string => item[name]?.S ?? '';
/** The number of an attribute that our own code wrote; `undefined` where there is none. */
export function readNumber(item: Item, name: string): number | undefined {
  const text = item[name]?.N;
  return text === undefined ? undefined : Number(text);
}
/** An amount of money; 0 where nothing was ever added to it. */
export const readNano = (item: Item, name: string): NanoUsd => nanoUsd(BigInt(item[name]?.N ?? '0'));
export const readList = (item: Item, name: string): readonly string[] =>
  (item[name]?.L ?? []).map((element) => element.S ?? '');

/**
 * Text that is safe to store: no half surrogate pair (the service refuses it), and at most so many bytes of UTF-8.
 */
export function cutText(text: string, maxBytes: number): string {
  const wellFormed = text.toWellFormed();
  if (Buffer.byteLength(wellFormed) <= maxBytes) return wellFormed;
  // A decoder that expects more leaves out the character the cut went through.
  return new TextDecoder().decode(Buffer.from(wellFormed).subarray(0, maxBytes), { stream: true });
}

/** How one property is kept in an attribute. */
export interface Field<Value> {
  readonly encode: (value: Value) => AttributeValue;
  readonly decode: (attribute: AttributeValue) => Value;
}

/** One field for each property of a type: a property without one does not compile. */
export type Fields<Shape> = { readonly [Name in keyof Shape]-?: Field<Exclude<Shape[Name], undefined>> };

/** Text, cut to `maxBytes`. */
export const textField = <Text extends string>(maxBytes: number): Field<Text> => ({
  encode: (value) => textAttribute(cutText(value, maxBytes)),
  // What is read was written by `encode`.
  decode: (attribute) => (attribute.S ?? '') as Text,
});
export const integerField: Field<number> = {
  encode: numberAttribute,
  decode: (attribute) => Number(attribute.N),
};
export const fractionField: Field<number> = {
  encode: (value) => ({ N: String(value) }),
  decode: (attribute) => Number(attribute.N),
};
export const nanoField: Field<NanoUsd> = {
  encode: numberAttribute,
  decode: (attribute) => nanoUsd(BigInt(attribute.N ?? '0')),
};
export const flagField: Field<boolean> = {
  encode: (value) => ({ BOOL: value }),
  decode: (attribute) => attribute.BOOL === true,
};
/** Anything JSON can hold, after `prepare` has cut it to size. */
export const jsonField = <Value>(prepare: (value: Value) => Value = (value) => value): Field<Value> => ({
  encode: (value) => textAttribute(JSON.stringify(prepare(value))),
  // What is read was written by `encode`.
  decode: (attribute) => JSON.parse(attribute.S ?? 'null') as Value,
});

/** JSON of values that hold amounts of money, which JSON has no numbers for. */
export const moneyJsonField = <Value>(): Field<Value> => ({
  encode: (value) =>
    textAttribute(
      JSON.stringify(value, (_name, member: unknown) =>
        typeof member === 'bigint' ? { nano: String(member) } : member,
      ),
    ),
  decode: (attribute) =>
    // What is read was written by `encode`.
    JSON.parse(attribute.S ?? 'null', (_name, member: unknown) =>
      isJsonObject(member) && typeof member['nano'] === 'string' ? nanoUsd(BigInt(member['nano'])) : member,
    ) as Value,
});

/** The attributes of all properties that have a value. */
export function encodeFields<Shape extends object>(fields: Fields<Shape>, shape: Shape): Item {
  const item: Record<string, AttributeValue> = {};
  // Names and fields come from the same object; each field accepts the value of its own property.
  for (const [name, field] of Object.entries(fields) as [keyof Shape & string, Field<unknown>][]) {
    const value = shape[name];
    if (value !== undefined) item[name] = field.encode(value);
  }
  return item;
}

/** The properties an item has attributes for. Required ones are there when `encodeFields` wrote the item. */
export function decodeFields<Shape extends object>(fields: Fields<Shape>, item: Item): Shape {
  const shape: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields) as [string, Field<unknown>][]) {
    const attribute = item[name];
    if (attribute !== undefined) shape[name] = field.decode(attribute);
  }
  // The item was written by `encodeFields` from this very type.
  return shape as Shape;
}

/** Which of a fixed number of shards a name belongs to: always the same one (FNV-1a). */
export function shardOf(name: string, shards: number): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(name)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % shards;
}
