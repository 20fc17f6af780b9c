import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { numberAttribute } from './attributes.ts';

/** One item's update, put together piece by piece: names and values get placeholders of their own. */
export interface UpdateBuilder {
  /** The placeholder of an attribute's name. */
  name(attribute: string): string;
  /** The placeholder of a value. */
  value(value: AttributeValue): string;
  /** Adds to a number, which is 0 where there is none. */
  add(attribute: string, amount: number | bigint): void;
  /** @param expression a placeholder or function; a value is given by `value` */
  set(attribute: string, expression: string): void;
  remove(attribute: string): void;
  /** A condition that must hold beside the others. */
  require(condition: string): void;
  /** The update's parts, as every command takes them. @throws Error where an attribute is changed twice, or none */
  build(): UpdateParts;
}

export interface UpdateParts {
  readonly UpdateExpression: string;
  readonly ConditionExpression: string | undefined;
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues: Record<string, AttributeValue> | undefined;
}

export function updateBuilder(): UpdateBuilder {
  const names = new Map<string, string>();
  const values: Record<string, AttributeValue> = {};
  const adds: string[] = [];
  const sets: string[] = [];
  const removes: string[] = [];
  const conditions: string[] = [];

  const name = (attribute: string): string => {
    const known = names.get(attribute) ?? `#n${names.size}`;
    names.set(attribute, known);
    return known;
  };
  const value = (given: AttributeValue): string => {
    const placeholder = `:v${Object.keys(values).length}`;
    values[placeholder] = given;
    return placeholder;
  };
  /** The service refuses two changes of one attribute, which an engine may not. */
  const changed = new Set<string>();
  const change = (attribute: string): void => {
    if (changed.has(attribute)) throw new Error(`An update changes ${attribute} twice.`);
    changed.add(attribute);
  };
  const clause = (word: string, parts: readonly string[]): string[] =>
    parts.length === 0 ? [] : [`${word} ${parts.join(', ')}`];

  return {
    name,
    value,
    add(attribute, amount) {
      change(attribute);
      adds.push(`${name(attribute)} ${value(numberAttribute(amount))}`);
    },
    set(attribute, expression) {
      change(attribute);
      sets.push(`${name(attribute)} = ${expression}`);
    },
    remove(attribute) {
      change(attribute);
      removes.push(name(attribute));
    },
    require: (condition) => void conditions.push(condition),
    build() {
      if (changed.size === 0) throw new Error('An update changes nothing.');
      return {
        UpdateExpression: [...clause('SET', sets), ...clause('ADD', adds), ...clause('REMOVE', removes)].join(
          ' ',
        ),
        ConditionExpression: conditions.length === 0 ? undefined : conditions.join(' AND '),
        ExpressionAttributeNames: Object.fromEntries(
          [...names].map(([attribute, short]) => [short, attribute]),
        ),
        ExpressionAttributeValues: Object.keys(values).length === 0 ? undefined : values,
      };
    },
  };
}
