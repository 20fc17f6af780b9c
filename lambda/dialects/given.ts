import { GatewayError } from '../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { isTooDeep } from './depth.ts';

/**
 * A value a caller sent, and where: reads it as the type that is expected or refuses it by name. `null` counts as left
 * out, as OpenAI's own API takes it. No message repeats what was sent, which may be a prompt.
 */
export class Given {
  readonly value: Json | undefined;
  readonly path: string;

  constructor(value: Json | undefined, path: string) {
    this.value = value ?? undefined;
    this.path = path;
  }

  get isMissing(): boolean {
    return this.value === undefined;
  }

  member(name: string): Given {
    const value = isJsonObject(this.value) && Object.hasOwn(this.value, name) ? this.value[name] : undefined;
    return new Given(value, this.path === '' ? name : `${this.path}.${name}`);
  }

  string(): string {
    return this.optionalString() ?? this.refuse('a string');
  }

  optionalString(): string | undefined {
    if (this.value === undefined || typeof this.value === 'string') return this.value;
    return this.refuse('a string');
  }

  optionalBoolean(): boolean | undefined {
    if (this.value === undefined || typeof this.value === 'boolean') return this.value;
    return this.refuse('true or false');
  }

  optionalNumber(): number | undefined {
    if (this.value === undefined) return undefined;
    // JSON can spell numbers that are too large (1e999).
    if (typeof this.value === 'number' && Number.isFinite(this.value)) return this.value;
    return this.refuse('a number');
  }

  optionalInteger(minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.optionalNumber();
    if (value === undefined || (Number.isSafeInteger(value) && value >= minimum && value <= maximum))
      return value;
    const range = maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum}` : `from ${minimum} to ${maximum}`;
    return this.refuse(`a whole number ${range}`);
  }

  object(): JsonObject {
    return this.optionalObject() ?? this.refuse('an object');
  }

  optionalObject(): JsonObject | undefined {
    if (this.value === undefined || isJsonObject(this.value)) return this.value;
    return this.refuse('an object');
  }

  /** A value that is kept as it is. */
  json(): Json | undefined {
    if (isTooDeep(this.value))
      throw new GatewayError('invalid_request', `${this.path} is nested too deeply.`, { param: this.path });
    return this.value;
  }

  /** An object that is kept as it is. */
  optionalJsonObject(): JsonObject | undefined {
    this.json();
    return this.optionalObject();
  }

  list(): readonly Given[] {
    return this.optionalList() ?? this.refuse('an array');
  }

  optionalList(): readonly Given[] | undefined {
    const { value } = this;
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) return this.refuse('an array');
    // What JSON holds as an array is a list of Json.
    return (value as readonly Json[]).map((item, index) => new Given(item, `${this.path}[${index}]`));
  }

  /** @throws GatewayError naming this value, what it was and what it should have been */
  refuse(expected: string): never {
    const message = `${this.path}: expected ${expected}, got ${kindOf(this.value)}.`;
    throw new GatewayError('invalid_request', message, { param: this.path });
  }
}

function kindOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  switch (typeof value) {
    case 'string':
      return value === '' ? 'an empty string' : 'a string';
    case 'number':
      return `the number ${value}`;
    case 'boolean':
      return String(value);
    default:
      return 'an object';
  }
}
