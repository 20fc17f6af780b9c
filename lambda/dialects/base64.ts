/** The text's bytes (UTF-8) in base64. */
export function base64FromText(text: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** The text whose bytes these are, also in the alphabet of URLs; `undefined` where they are no base64. */
export function textFromBase64(base64: string): string | undefined {
  const usual = base64.replaceAll('-', '+').replaceAll('_', '/').replace(/=*$/, '');
  if (!isBase64(usual.padEnd(Math.ceil(usual.length / 4) * 4, '=')) || usual.length % 4 === 1)
    return undefined;
  return new TextDecoder().decode(Uint8Array.from(atob(usual), (byte) => byte.charCodeAt(0)));
}

/** Whether the text is base64 as blobs are written: whole, padded, without line ends. */
export function isBase64(text: string): boolean {
  if (text.length % 4 !== 0) return false;
  const padding = /={1,2}$/.exec(text.slice(-2))?.[0].length ?? 0;
  // Looks for one character that does not fit: no pattern that repeats is safe on megabytes.
  return !/[^A-Za-z0-9+/]/.test(text.slice(0, text.length - padding));
}

/**
 * Joins blobs that came in pieces, each in a base64 of its own, to one base64 whose pieces concatenate: up to two bytes
 * wait for the next piece, so that no padding stands in the middle. A piece that is no base64 is passed over.
 */
export class Base64Joiner {
  #waiting = '';

  /** As much of the joined text as is sure. */
  add(piece: string): string {
    if (!isBase64(piece)) return '';
    if (this.#waiting === '' && !piece.endsWith('=')) return piece;
    const bytes = this.#waiting + atob(piece);
    const whole = bytes.length - (bytes.length % 3);
    this.#waiting = bytes.slice(whole);
    return btoa(bytes.slice(0, whole));
  }

  /** The end of it, padded. */
  end(): string {
    const rest = btoa(this.#waiting);
    this.#waiting = '';
    return rest;
  }
}
