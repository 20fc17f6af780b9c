/** How long a file may sound, in seconds: at most, and likely. */
export interface AudioSeconds {
  readonly most: number;
  readonly likely: number;
}

/**
 * The lowest bitrate Opus is made for, 6 kbit/s; MP3's lowest is 8. Silence can be written in less, so that this is a bound of
 * speech and music and not of everything that can be made up: what is over is charged, and reported as over its bound.
 * @see https://datatracker.ietf.org/doc/html/rfc6716#section-2.1.1
 */
const LEAST_BYTES_A_SECOND = 750;
/** 32 kbit/s: speech, compressed well. */
const LIKELY_BYTES_A_SECOND = 4_000;

/** @param bytes a sound file, of which each character is one byte */
export function audioSeconds(bytes: string): AudioSeconds {
  const exact = waveSeconds(bytes);
  if (exact !== undefined) return { most: exact, likely: exact };
  return {
    most: Math.ceil(bytes.length / LEAST_BYTES_A_SECOND),
    likely: Math.ceil(bytes.length / LIKELY_BYTES_A_SECOND),
  };
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
  if (!isWave || bytes.length < HEAD_BYTES) return undefined;
  const head = Buffer.from(bytes.slice(0, HEAD_BYTES), 'latin1');
  const channels = head.readUInt16LE(22);
  const sampleRate = head.readUInt32LE(24);
  const bits = head.readUInt16LE(34);
  const bytesASecond = sampleRate * channels * Math.ceil(bits / 8);
  if (head.readUInt16LE(20) !== PCM || bytesASecond === 0) return undefined;
  return Math.ceil(bytes.length / bytesASecond);
}
