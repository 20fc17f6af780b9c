import { GatewayError } from './errors.ts';
import type { Json, JsonObject } from './json.ts';

/** One part of a form. Texts of it are of bytes: each character is one. */
export interface FormPart {
  readonly name: string;
  /** `undefined`: a plain field. */
  readonly fileName: string | undefined;
  readonly contentType: string | undefined;
  readonly content: string;
  /** Where the whole part stands in the body, from its boundary to the next one's. */
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
}

const MOST_PARTS = 100;
const LONGEST_HEAD = 4_096;

/**
 * Reads a form with files strictly, in one pass: boundaries as the header says, no preamble, each part with a name. What a
 * provider might read otherwise is refused.
 *
 * @param raw the body, of which each character is one byte
 * @throws GatewayError `invalid_request`
 * @see https://datatracker.ietf.org/doc/html/rfc7578
 */
export function readMultipart(raw: string, contentType: string): readonly FormPart[] {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined)
    throw invalid('Send the request as multipart/form-data, with its boundary in the header content-type.');
  const opening = `--${boundary}\r\n`;
  if (!raw.startsWith(opening)) throw invalid('The form does not begin with its boundary.');
  const delimiter = `\r\n--${boundary}`;
  const parts: FormPart[] = [];
  let start = 0;
  for (;;) {
    if (parts.length === MOST_PARTS) throw invalid(`The form has more than ${MOST_PARTS} parts.`);
    const headStart = start + opening.length;
    const end = raw.indexOf(delimiter, headStart - 2);
    if (end === -1) throw invalid('The form does not end with its boundary.');
    parts.push(readPart(raw, { start, headStart, end: end + 2 }));
    const after = raw.slice(end + delimiter.length, end + delimiter.length + 4);
    if (after.startsWith('--')) return withoutHiddenParts(raw, boundary, parts);
    if (!after.startsWith('\r\n')) throw invalid('A boundary of the form is followed by other characters.');
    start = end + 2;
  }
}

/** Some readers also take a boundary behind a bare line feed, within a text, or behind the form's end. */
function withoutHiddenParts(raw: string, boundary: string, parts: readonly FormPart[]): readonly FormPart[] {
  if (raw.split(`--${boundary}`).length === parts.length + 2) return parts;
  throw invalid('The form holds its boundary where no part begins.');
}

/** The `boundary` of a content type. */
export function boundaryOf(contentType: string): string | undefined {
  if (!/^multipart\/form-data\s*;/i.test(contentType)) return undefined;
  const found =
    /;\s*boundary=(?:"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,70})"|([\w'()+,./:=?-]{1,70}))\s*(?:;|$)/i.exec(
      contentType,
    );
  return found?.[1] ?? found?.[2];
}

/** The content type of a form as it is handed on: its boundary stands at its beginning. */
export const contentTypeOfForm = (raw: string): string =>
  `multipart/form-data; boundary="${raw.slice(2, raw.indexOf('\r\n'))}"`;

/**
 * The form with one field set anew and others left out; every other byte stays.
 * @param value in UTF-8
 */
export function editMultipart(
  raw: string,
  edit: { readonly set: Readonly<Record<string, string>>; readonly remove: readonly string[] },
): string {
  const parts = readMultipart(raw, contentTypeOfForm(raw));
  let result = '';
  let at = 0;
  for (const part of parts) {
    const value = Object.hasOwn(edit.set, part.name) ? edit.set[part.name] : undefined;
    const isRemoved = edit.remove.includes(part.name) && parts.length > 1;
    if (value === undefined && !isRemoved) continue;
    result += raw.slice(at, value === undefined ? part.start : part.contentStart);
    if (value !== undefined) result += `${Buffer.from(value).toString('latin1')}\r\n`;
    at = part.end;
  }
  return result + raw.slice(at);
}

/**
 * What the fields of a form say, as JSON: plain fields as text, those whose name ends in `[]` as lists, files with their name,
 * type and bytes.
 * @throws GatewayError `invalid_request` for a name given twice, or a text that is no UTF-8
 */
export function formFields(parts: readonly FormPart[]): JsonObject {
  const fields = new Map<string, Json>();
  for (const part of parts) {
    const value = part.fileName === undefined ? textOf(part) : fileOf(part);
    const earlier = fields.get(part.name);
    if (part.name.endsWith('[]')) fields.set(part.name, [...(Array.isArray(earlier) ? earlier : []), value]);
    else if (earlier === undefined) fields.set(part.name, value);
    else throw invalid(`The form gives the field ${part.name.slice(0, 100)} twice.`, part.name);
  }
  return Object.fromEntries(fields);
}

const DECODER = new TextDecoder('utf-8', { fatal: true });

function textOf({ name, content }: FormPart): string {
  try {
    return DECODER.decode(Buffer.from(content, 'latin1'));
  } catch (cause) {
    throw new GatewayError('invalid_request', `The field ${name.slice(0, 100)} is no UTF-8.`, {
      cause,
      param: name,
    });
  }
}

const fileOf = ({ fileName = '', contentType, content }: FormPart): Json => ({
  file_name: fileName,
  content_type: contentType ?? null,
  bytes: content,
});

function readPart(
  raw: string,
  { start, headStart, end }: { readonly start: number; readonly headStart: number; readonly end: number },
): FormPart {
  const headEnd = raw.slice(headStart, Math.min(end, headStart + LONGEST_HEAD)).indexOf('\r\n\r\n');
  if (headEnd === -1) throw invalid('A part of the form has no head, or one that is too long.');
  const lines = raw.slice(headStart, headStart + headEnd).split('\r\n');
  refuseOddHead(lines);
  const disposition = headerOf(lines, 'content-disposition') ?? '';
  const name = parameterOf(disposition, 'name');
  if (!IS_DISPOSITION.test(disposition) || name === undefined || name === '')
    throw invalid('A part of the form has no plain name.');
  const contentStart = headStart + headEnd + 4;
  return {
    name,
    fileName: parameterOf(disposition, 'filename') ?? (isFile(disposition) ? '' : undefined),
    contentType: headerOf(lines, 'content-type'),
    content: raw.slice(contentStart, end - 2),
    start,
    contentStart,
    end,
  };
}

/** A name and a file's name and nothing else: `name*=` and what is escaped some readers read, and others do not. */
const IS_DISPOSITION =
  /^form-data(?:\s*;\s*(?:file)?name=(?:"[^"]*"|[^\s";]+)|\s*;\s*filename\*=[^\s;"]*)+$/i;

/** Heads that readers may read in two ways: folded lines, names with spaces, contents in another encoding. */
function refuseOddHead(lines: readonly string[]): void {
  const isPlain = lines.every((line) => IS_HEAD_LINE.test(line));
  if (!isPlain) throw invalid('A part of the form has a head that is not plain.');
  const encoding = headerOf(lines, 'content-transfer-encoding')?.toLowerCase() ?? 'binary';
  if (!['7bit', '8bit', 'binary'].includes(encoding))
    throw invalid('A part of the form is encoded; send it as it is.');
}

const IS_HEAD_LINE = /^[a-z-]+:[\t\u0020-\u007e\u0080-\u00ff]*$/i;

function headerOf(lines: readonly string[], name: string): string | undefined {
  const found = lines.filter((line) => line.toLowerCase().startsWith(`${name}:`));
  if (found.length > 1) throw invalid(`A part of the form gives ${name} twice.`);
  return found[0]?.slice(name.length + 1).trim();
}

/** Quotes within a name are escaped as browsers do it (`%22`), so that the next quote ends it. */
function parameterOf(disposition: string, name: string): string | undefined {
  const found = [...disposition.matchAll(new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^\\s";]+))`, 'gi'))];
  if (found.length > 1) throw invalid(`A part of the form gives its ${name} twice.`);
  return found[0]?.[1] ?? found[0]?.[2];
}

/** A name that is no ASCII may be given in its extended form alone, which nobody here reads. */
const isFile = (disposition: string): boolean => /;\s*filename\*=/i.test(disposition);

const invalid = (message: string, param?: string): GatewayError =>
  new GatewayError('invalid_request', message, param === undefined ? {} : { param });
