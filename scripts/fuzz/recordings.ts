import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { DialectId } from '../../lambda/dialects/dialect.ts';
import type { JsonObject } from '../../lambda/domain/json.ts';
import { parseJsonObject } from '../../lambda/domain/json.ts';
import type { RecordedStream } from './mutate-stream.ts';

const FIXTURES = path.join(import.meta.dirname, '../../test/fixtures');

/** Larger ones say nothing more, and take long. */
const MAX_BYTES = 16_384;

/** The recorded streams of a dialect: a folder more is a recording more. */
export function recordedStreams(dialect: DialectId): readonly RecordedStream[] {
  return globSync(`${FIXTURES}/${dialect}/*/upstream.{sse,eventstream}`)
    .filter((file) => statSync(file).size <= MAX_BYTES)
    .sort()
    .map((file) => {
      const bytes = readFileSync(file);
      const isBinary = file.endsWith('.eventstream');
      return { text: bytes.toString('latin1'), events: isBinary ? binaryEvents(bytes) : textEvents(bytes) };
    });
}

const textEvents = (bytes: Buffer): readonly string[] => bytes.toString('latin1').split(/(?<=\r?\n\r?\n)/);

/** Each event begins with its length. @see https://smithy.io/2.0/aws/amazon-eventstream.html */
function binaryEvents(bytes: Buffer): readonly string[] {
  const events: string[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = Math.max(4, bytes.readUInt32BE(at));
    events.push(bytes.toString('latin1', at, at + length));
    at += length;
  }
  return events;
}

/** The recorded requests of a dialect. */
export function recordedRequests(dialect: DialectId): readonly JsonObject[] {
  if (!existsSync(path.join(FIXTURES, dialect))) return [];
  return globSync(`${FIXTURES}/${dialect}/*/request.json`)
    .filter((file) => statSync(file).size <= MAX_BYTES)
    .sort()
    .map((file) => parseJsonObject(readFileSync(file, 'utf8')))
    .filter((body) => body !== undefined);
}
