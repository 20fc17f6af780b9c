import type { ChatEvent, MediaKind } from '../../domain/chat/event.ts';
import type { JsonObject } from '../../domain/json.ts';
import { isEmpty } from '../loose.ts';
import { decodeFinishReason } from './finish-reason.ts';
import { decodeLogprobs } from './logprobs.ts';
import { PartialArguments } from './partial-arguments.ts';
import { DIALECT_ID, memberOf, objectIn, objectsIn, optionalObjectIn, textIn } from './wire.ts';

/** A run of text or thoughts: a candidate has one at a time, and a signature ends it. */
interface Run {
  readonly type: 'text' | 'reasoning';
  readonly block: number;
}

/** A call whose arguments come in pieces. */
interface OpenCall {
  readonly block: number;
  readonly arguments: PartialArguments;
}

/** Where a candidate says what its text rests on. */
export const CITATION_FIELDS = ['groundingMetadata', 'citationMetadata', 'urlContextMetadata'] as const;

/** What Google's code interpreter is called in calls of hosted tools. */
export const CODE_EXECUTION = 'code_execution';

/**
 * Turns the pieces of one candidate into events; a whole candidate is one large piece. A candidate ends when the answer
 * does, since what it rests on and its usage may follow its `finishReason`.
 */
export class CandidateDecoder {
  readonly #choice: number;
  readonly #answerId: string;
  readonly #events: ChatEvent[] = [];
  #blocks = 0;
  #run: Run | undefined;
  #call: OpenCall | undefined;
  #lastHostedCall: string | undefined;
  #finishReason: string | undefined;
  #hasCalls = false;
  #hasLostArguments = false;

  /** @param answerId from which ids of calls are made that have none; they must differ between the turns of a conversation */
  constructor(choice: number, answerId: string) {
    this.#choice = choice;
    this.#answerId = answerId.replace(/[^\w-]/g, '').slice(-40);
  }

  /** The reason the provider gave so far; `undefined` before it gave any. */
  get finishReason(): string | undefined {
    return this.#finishReason;
  }

  /** Whether the candidate would end inside a function call, for another reason than its length. */
  get isCut(): boolean {
    if (this.#hasLostArguments) return true;
    return this.#call !== undefined && this.#finishReason !== 'MAX_TOKENS';
  }

  /** Reads one entry of `candidates`. */
  read(candidate: JsonObject): ChatEvent[] {
    for (const part of objectsIn(objectIn(candidate, 'content'), 'parts')) this.#readPart(part);
    const logprobs = decodeLogprobs(objectIn(candidate, 'logprobsResult'));
    if (logprobs !== undefined) this.#addLogprobs(logprobs);
    for (const name of CITATION_FIELDS) {
      const metadata = optionalObjectIn(candidate, name);
      if (metadata !== undefined && !isEmpty(metadata)) this.#cite({ [name]: metadata });
    }
    this.#finishReason = textIn(candidate, 'finishReason') ?? this.#finishReason;
    return this.#events.splice(0);
  }

  /** A prompt that was blocked has no candidate, and this is how it ends. */
  block(reason: string): ChatEvent[] {
    this.#finishReason = reason;
    return [{ type: 'finish', choice: this.#choice, reason: 'content-filter', upstreamReason: reason }];
  }

  /** Ends what is open and the choice itself. */
  end(): ChatEvent[] {
    this.#endRun();
    if (this.#call !== undefined) this.#endCutCall(this.#call);
    const upstreamReason = this.#finishReason;
    const reason = decodeFinishReason(upstreamReason ?? '', this.#hasCalls);
    this.#events.push({ type: 'finish', choice: this.#choice, reason, upstreamReason });
    return this.#events.splice(0);
  }

  #readPart(part: JsonObject): void {
    const signature = textIn(part, 'thoughtSignature');
    const isThought = part['thought'] === true;
    if (this.#readCallOrMedia(part, isThought, signature) || this.#readHosted(part, signature)) return;
    const text = textIn(part, 'text');
    if (text !== undefined) this.#addText(isThought ? 'reasoning' : 'text', text);
    if (signature !== undefined) this.#signRun(isThought, signature);
  }

  /** Whether the part is a function call or media. A picture among the thoughts is a draft of the one that follows. */
  #readCallOrMedia(part: JsonObject, isThought: boolean, signature: string | undefined): boolean {
    const call = optionalObjectIn(part, 'functionCall');
    const media = optionalObjectIn(part, 'inlineData');
    if (call !== undefined) this.#readCall(call, signature);
    else if (media !== undefined && !isThought) this.#readMedia(media, signature);
    return call !== undefined || media !== undefined;
  }

  #addText(type: Run['type'], text: string): void {
    this.#push({ type: `${type}-delta`, text, ...this.#at(type) });
  }

  /** A signature without text is of the run before it. */
  #signRun(isThought: boolean, signature: string): void {
    const at = this.#at(this.#run?.type ?? (isThought ? 'reasoning' : 'text'));
    this.#push({ type: 'block-signature', signature, ...at });
    this.#endRun();
  }

  #addLogprobs(logprobs: JsonObject): void {
    const index = this.#events.findLastIndex((event) => event.type === 'text-delta');
    const event = this.#events[index];
    if (event?.type === 'text-delta') this.#events[index] = { ...event, logprobs };
    else this.#push({ type: 'text-delta', text: '', logprobs, ...this.#at('text') });
  }

  #cite(citation: JsonObject): void {
    this.#push({ type: 'text-citation', dialect: DIALECT_ID, citation, ...this.#at('text') });
  }

  /** A whole call, or (Vertex AI, where asked for) the next piece of one. */
  #readCall(call: JsonObject, signature: string | undefined): void {
    const name = textIn(call, 'name');
    if (name !== undefined) this.#beginCall(name, call);
    const open = this.#call;
    if (open === undefined) return;
    const at = { choice: this.#choice, block: open.block };
    if (signature !== undefined) this.#push({ type: 'block-signature', signature, ...at });
    for (const piece of objectsIn(call, 'partialArgs')) open.arguments.add(piece);
    if (memberOf(call, 'willContinue') === true) return;
    const whole = optionalObjectIn(call, 'args');
    this.#endCall(open, whole === undefined ? open.arguments.toJson() : JSON.stringify(whole));
  }

  #beginCall(name: string, call: JsonObject): void {
    this.#endRun();
    // The next call begins: the one before has lost its end.
    if (this.#call !== undefined) this.#endCutCall(this.#call);
    const block = this.#nextBlock();
    const id = textIn(call, 'id') ?? this.#madeId(block);
    this.#hasCalls = true;
    this.#call = { block, arguments: new PartialArguments() };
    this.#push({ type: 'tool-call-start', kind: 'function', id, name, choice: this.#choice, block });
  }

  #endCall(open: OpenCall, text: string): void {
    this.#hasLostArguments ||= !open.arguments.isWhole;
    this.#call = undefined;
    const at = { choice: this.#choice, block: open.block };
    this.#push({ type: 'tool-call-delta', arguments: text, ...at });
    this.#push({ type: 'block-end', ...at });
  }

  /** What there is of a call, which must not read as a whole one. */
  #endCutCall(open: OpenCall): void {
    const isLimited = this.#finishReason === 'MAX_TOKENS';
    this.#endCall(open, open.arguments.toJson().slice(0, -1));
    this.#hasLostArguments ||= !isLimited;
  }

  #readMedia(media: JsonObject, signature: string | undefined): void {
    const base64 = textIn(media, 'data');
    if (base64 === undefined) return;
    this.#endRun();
    const mediaType = textIn(media, 'mimeType') ?? 'application/octet-stream';
    const at = { choice: this.#choice, block: this.#nextBlock() };
    this.#push({ type: 'media-start', kind: mediaKind(mediaType), mediaType, ...at });
    this.#push({ type: 'media-delta', base64, ...at });
    this.#endBlock(at, signature);
  }

  /** What Google's own tools did: whether the part says so. */
  #readHosted(part: JsonObject, signature: string | undefined): boolean {
    const code = optionalObjectIn(part, 'executableCode');
    const call = optionalObjectIn(part, 'toolCall');
    const result = optionalObjectIn(part, 'codeExecutionResult') ?? optionalObjectIn(part, 'toolResponse');
    if (code !== undefined) {
      const { id: _id, ...given } = code;
      this.#addHostedCall({ id: textIn(code, 'id'), name: CODE_EXECUTION, given }, signature);
    } else if (call !== undefined) {
      const name = textIn(call, 'toolType') ?? 'TOOL_TYPE_UNSPECIFIED';
      this.#addHostedCall({ id: textIn(call, 'id'), name, given: objectIn(call, 'args') }, signature);
    } else if (result !== undefined) this.#addHostedResult(part, textIn(result, 'id'), signature);
    else return false;
    return true;
  }

  #addHostedCall(
    {
      id,
      name,
      given,
    }: { readonly id: string | undefined; readonly name: string; readonly given: JsonObject },
    signature: string | undefined,
  ): void {
    this.#endRun();
    const at = { choice: this.#choice, block: this.#nextBlock() };
    this.#lastHostedCall = id ?? this.#madeId(at.block);
    this.#push({ type: 'tool-call-start', kind: 'hosted', id: this.#lastHostedCall, name, ...at });
    this.#push({ type: 'tool-call-delta', arguments: JSON.stringify(given), ...at });
    this.#endBlock(at, signature);
  }

  /** The whole part is kept, but for its signature, which is an event of its own. */
  #addHostedResult(part: JsonObject, id: string | undefined, signature: string | undefined): void {
    this.#endRun();
    const at = { choice: this.#choice, block: this.#nextBlock() };
    const { thoughtSignature: _signature, ...result } = part;
    const callId = id ?? this.#lastHostedCall ?? this.#madeId(at.block);
    this.#push({ type: 'hosted-tool-result', dialect: DIALECT_ID, callId, result, ...at });
    this.#endBlock(at, signature);
  }

  #endBlock(at: { readonly choice: number; readonly block: number }, signature: string | undefined): void {
    if (signature !== undefined) this.#push({ type: 'block-signature', signature, ...at });
    this.#push({ type: 'block-end', ...at });
  }

  /** The address in the open run of this type; ends another one and begins it where needed. */
  #at(type: Run['type']): { readonly choice: number; readonly block: number } {
    const choice = this.#choice;
    if (this.#run?.type === type) return { choice, block: this.#run.block };
    this.#endRun();
    const block = this.#nextBlock();
    this.#run = { type, block };
    // Google shows summaries of what its models think.
    if (type === 'reasoning') this.#push({ type: 'reasoning-start', kind: 'summary', choice, block });
    else this.#push({ type: 'text-start', choice, block });
    return { choice, block };
  }

  #endRun(): void {
    if (this.#run !== undefined)
      this.#push({ type: 'block-end', choice: this.#choice, block: this.#run.block });
    this.#run = undefined;
  }

  #madeId(block: number): string {
    return `call_${this.#answerId}_${this.#choice}_${block}`;
  }

  #nextBlock(): number {
    return this.#blocks++;
  }

  #push(event: ChatEvent): void {
    this.#events.push(event);
  }
}

function mediaKind(mediaType: string): MediaKind {
  if (mediaType.startsWith('image/')) return 'image';
  return mediaType.startsWith('audio/') ? 'audio' : 'file';
}
