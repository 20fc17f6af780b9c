/** What a picture counts for. */
export const IMAGE_TOKENS = 256;

const TOKEN = /[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s]+/gu;
const PIECE = /\s*(?:[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s]+)(?:\s+$)?/gu;

/** How many tokens a text has: each word and each run of punctuation is one. */
export const countTokens = (text: string): number => text.match(TOKEN)?.length ?? 0;

/** A text cut so that each piece holds one token; joined, the pieces are the text (a text without a token has none). */
export const tokenPieces = (text: string): readonly string[] => text.match(PIECE) ?? [];
