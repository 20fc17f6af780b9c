/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html */
const MAX_CHARACTERS = 200;

/** Room for a number behind a name that is given twice. */
const KEPT_CHARACTERS = MAX_CHARACTERS - 8;

/**
 * Names of documents as Bedrock takes them: letters, digits, single spaces, hyphens, parentheses and square brackets, and no
 * name twice in a request.
 */
export class DocumentNames {
  readonly #taken = new Set<string>();

  of(name: string | undefined): string {
    const base = cleaned(name ?? '');
    let candidate = base;
    for (let count = 2; this.#taken.has(candidate); count += 1) candidate = `${base} (${count})`;
    this.#taken.add(candidate);
    return candidate;
  }
}

function cleaned(name: string): string {
  const clean = name
    .slice(0, KEPT_CHARACTERS)
    .replaceAll(/[^a-zA-Z0-9\s\-()[\]]+/g, '-')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return clean === '' ? 'document' : clean;
}
