/**
 * How long an MP3 file sounds, in seconds, rounded up: frame by frame, each of which says how long it is. `undefined` where it is
 * none, or holds anything between its frames, since decoders differ in what they make of that.
 * @param bytes of which each character is one byte
 * @see https://www.datavoyage.com/mpgscript/mpeghdr.htm
 */
export function mp3Seconds(bytes: string): number | undefined {
  const start = afterTag(bytes);
  const end = beforeTag(bytes);
  let seconds = 0;
  let at = start;
  while (at < end) {
    const frame = frameAt(bytes, at);
    if (frame === undefined) return undefined;
    seconds += frame.seconds;
    at += frame.bytes;
  }
  return at === start ? undefined : Math.ceil(seconds);
}

const TAG_HEAD_BYTES = 10;
const OLD_TAG_BYTES = 128;

/** A tag at the beginning says how long it is, in four times seven bits. @see https://id3.org/id3v2.4.0-structure */
function afterTag(bytes: string): number {
  if (!bytes.startsWith('ID3')) return 0;
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + (bytes.charCodeAt(at) & 0x7f), 0);
  const hasFooter = (bytes.charCodeAt(5) & 0x10) !== 0;
  return TAG_HEAD_BYTES + size + (hasFooter ? TAG_HEAD_BYTES : 0);
}

/** The older kind of tag stands at the end. @see https://id3.org/ID3v1 */
const beforeTag = (bytes: string): number =>
  bytes.startsWith('TAG', bytes.length - OLD_TAG_BYTES) ? bytes.length - OLD_TAG_BYTES : bytes.length;

/** Kilobits a second of layer III, by their number in the frame's head: of MPEG 1, and of the later ones. */
const BITRATES = {
  first: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  later: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const;
/** Hertz, by version and by their number in the frame's head. */
const SAMPLE_RATES: Readonly<Record<number, readonly number[]>> = {
  0: [11_025, 12_000, 8_000],
  2: [22_050, 24_000, 16_000],
  3: [44_100, 48_000, 32_000],
};
const LAYER_THREE = 1;
const MPEG_ONE = 3;

function frameAt(
  bytes: string,
  at: number,
): { readonly bytes: number; readonly seconds: number } | undefined {
  const [first, second, third] = [0, 1, 2].map((offset) => bytes.charCodeAt(at + offset));
  if (first !== 0xff || second === undefined || third === undefined || second >> 5 !== 0b111)
    return undefined;
  const version = (second >> 3) & 0b11;
  if (((second >> 1) & 0b11) !== LAYER_THREE) return undefined;
  const bitrate = BITRATES[version === MPEG_ONE ? 'first' : 'later'][third >> 4] ?? 0;
  const sampleRate = SAMPLE_RATES[version]?.[(third >> 2) & 0b11];
  // A frame of a free bitrate does not say where it ends.
  if (bitrate === 0 || sampleRate === undefined) return undefined;
  const samples = version === MPEG_ONE ? 1_152 : 576;
  const padding = (third >> 1) & 1;
  const length = Math.floor((samples / 8) * ((bitrate * 1_000) / sampleRate)) + padding;
  return { bytes: length, seconds: samples / sampleRate };
}
