import { mp3Seconds } from './mp3-seconds.ts';

/** How long a file sounds, in seconds: what it is certain to be, and what it likely is. */
export interface AudioSeconds {
  /**
   * `undefined` where only decoding tells: most formats write silence in next to nothing, so that the size of a file bounds
   * nothing.
   */
  readonly exact: number | undefined;
  readonly likely: number;
}

/** 32 kbit/s: speech, compressed well. */
const LIKELY_BYTES_A_SECOND = 4_000;

/** @param bytes a sound file, of which each character is one byte */
export function audioSeconds(bytes: string): AudioSeconds {
  const exact = waveSeconds(bytes) ?? mp3Seconds(bytes);
  return { exact, likely: exact ?? Math.ceil(bytes.length / LIKELY_BYTES_A_SECOND) };
}

const PCM = 1;
const HEAD_BYTES = 36;

/**
 * Uncompressed sound says how many bytes it has a second: the sample rate times the size of a sample, as decoders reckon.
 * Only the usual head is read, in which the format stands first. All of the file is taken for sound.
 * @see https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html
 */
function waveSeconds(bytes: string): number | undefined {
  const isWave = bytes.startsWith('RIFF') && bytes.slice(8, 16) === 'WAVEfmt ';
  if (!isWave || bytes.length < HEAD_BYTES || !hasOneFormat(bytes)) return undefined;
  const head = Buffer.from(bytes.slice(0, HEAD_BYTES), 'latin1');
  const channels = head.readUInt16LE(22);
  const sampleRate = head.readUInt32LE(24);
  const bits = head.readUInt16LE(34);
  const bytesASecond = sampleRate * channels * Math.ceil(bits / 8);
  if (head.readUInt16LE(20) !== PCM || bytesASecond === 0) return undefined;
  return Math.ceil(bytes.length / bytesASecond);
}

const FIRST_CHUNK = 12;
const CHUNK_HEAD_BYTES = 8;

/** Whether the sound follows one format: of two, decoders differ in which they believe. */
function hasOneFormat(bytes: string): boolean {
  let formats = 0;
  for (let at = FIRST_CHUNK; at + CHUNK_HEAD_BYTES <= bytes.length; ) {
    const head = Buffer.from(bytes.slice(at, at + CHUNK_HEAD_BYTES), 'latin1');
    const name = head.toString('latin1', 0, 4);
    if (name === 'data') return formats === 1;
    if (name === 'fmt ') formats += 1;
    const length = head.readUInt32LE(4);
    at += CHUNK_HEAD_BYTES + length + (length % 2);
  }
  return false;
}
