/** The same fields without those that are not there. */
type Present<Fields> = { readonly [Name in keyof Fields]?: Exclude<Fields[Name], undefined | null> };

/** Leaves out the fields that are `undefined` or `null`: on the wire and in requests, what is unknown is not written. */
export function present<Fields extends object>(fields: Fields): Present<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  // The entries are the object's own, less exactly what the type leaves out.
  return Object.fromEntries(entries) as Present<Fields>;
}
