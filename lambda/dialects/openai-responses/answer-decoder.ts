import type { ChatEvent, FinishReason } from '../../domain/chat/event.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { asObject, countIn, objectIn, objectsIn, textIn } from '../loose.ts';
import { decodeErrorChunk } from '../openai-errors.ts';
import { invalidResponse } from '../upstream-error.ts';
import { chatLogprobs, type EventSink, ItemDecoder, itemOf } from './item-decoder.ts';
import { decodeUsage } from './usage.ts';

/** More items than any answer has: a bound on what a hostile upstream can make us hold. */
const MAX_ITEMS = 4096;

const INCOMPLETE_REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['max_output_tokens', 'length'],
  ['content_filter', 'content-filter'],
]);

/** Turns the events of one stream, or the one response that came whole, into events that keep the rules of ChatEvent. */
export class AnswerDecoder implements EventSink {
  readonly #items = new Map<number, ItemDecoder>();
  #events: ChatEvent[] = [];
  #blocks = 0;
  #isStarted = false;
  #searches = 0;

  push(event: ChatEvent): void {
    this.#events.push(event);
  }

  nextBlock(): number {
    return this.#blocks++;
  }

  /** Reads one event of a stream. */
  read(event: JsonObject): ChatEvent[] {
    switch (event['type']) {
      case 'response.created':
      case 'response.in_progress':
      case 'response.queued':
        this.#start(objectIn(event, 'response'));
        break;
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
      case 'response.cancelled':
        this.#readWhole(objectIn(event, 'response'), textIn(event, 'type')?.slice('response.'.length));
        break;
      case 'error':
        this.#fail(event);
        break;
      default:
        this.#readPiece(event);
    }
    return this.#taken();
  }

  /** Reads a response that came whole. */
  readResponse(response: JsonObject): ChatEvent[] {
    this.#readWhole(response, textIn(response, 'status'));
    return this.#taken();
  }

  /** The stream stopped without its last event. */
  endEarly(): ChatEvent[] {
    this.#end(invalidResponse('The stream ended early.'));
    return this.#taken();
  }

  #taken(): ChatEvent[] {
    const events = this.#events;
    this.#events = [];
    const [first] = events;
    if (first === undefined || this.#isStarted || (first.type === 'error' && events.length === 1))
      return events;
    this.#isStarted = true;
    return [answerStart({}), ...events];
  }

  #start(response: JsonObject): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.push(answerStart(response));
  }

  /** All there is, or the end of a stream. @param status in a stream, as the event's own name tells it */
  #readWhole(response: JsonObject, status: string | undefined): void {
    this.#start(response);
    objectsIn(response, 'output').forEach((item, index) => {
      this.#endItem(index, item);
    });
    this.#readUsage(response);
    if (status === 'failed' || isJsonObject(response['error'])) this.#fail(response);
    else if (status === 'cancelled') this.#end(invalidResponse('The provider cancelled the answer.'));
    else this.#finish(response, status);
  }

  #readPiece(event: JsonObject): void {
    const index = countIn(event, 'output_index');
    if (index === undefined) return;
    if (event['type'] === 'response.output_item.done') {
      this.#endItem(index, itemOf(event));
      return;
    }
    const item = this.#item(index);
    const part = countIn(event, 'content_index') ?? countIn(event, 'summary_index') ?? 0;
    const delta = typeof event['delta'] === 'string' ? event['delta'] : '';
    switch (event['type']) {
      case 'response.output_item.added':
        item.begin(itemOf(event));
        return;
      case 'response.output_text.delta':
        item.text(part, delta, chatLogprobs(event['logprobs']));
        return;
      case 'response.output_text.annotation.added':
        item.cite(part, event['annotation'] ?? null);
        return;
      case 'response.refusal.delta':
        item.refusal(part, delta);
        return;
      case 'response.reasoning_summary_text.delta':
        item.reasoning('summary', part, delta);
        return;
      case 'response.reasoning_text.delta':
        item.reasoning('raw', part, delta);
        return;
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
        item.arguments(delta);
        return;
      default:
    }
  }

  #item(index: number): ItemDecoder {
    const at = Math.min(index, MAX_ITEMS);
    const known = this.#items.get(at);
    if (known !== undefined) return known;
    const item = new ItemDecoder(this);
    this.#items.set(at, item);
    return item;
  }

  #endItem(index: number, item: JsonObject): void {
    const decoder = this.#item(index);
    if (decoder.isDone) return;
    if (item['type'] === 'web_search_call' && objectIn(item, 'action')['type'] === 'search')
      this.#searches += 1;
    decoder.end(item);
  }

  #readUsage(response: JsonObject): void {
    const usage = decodeUsage(response);
    const counted = this.#searches === 0 ? {} : { webSearchRequests: this.#searches };
    if (usage !== undefined) this.push({ type: 'usage', usage: { ...counted, ...usage } });
  }

  #finish(response: JsonObject, status: string | undefined): void {
    const cause = textIn(objectIn(response, 'incomplete_details'), 'reason');
    const items = [...this.#items.values()];
    const isLimited = status === 'incomplete' && cause !== undefined;
    if (!isLimited && items.some(({ isCut }) => isCut)) {
      this.#end(invalidResponse('The answer ended inside a tool call.'));
      return;
    }
    for (const item of items) item.close();
    this.push({
      type: 'finish',
      choice: 0,
      reason: this.#reason(status, cause),
      upstreamReason: cause ?? status,
    });
    this.push({ type: 'end' });
  }

  #reason(status: string | undefined, cause: string | undefined): FinishReason {
    if (status === 'incomplete') return INCOMPLETE_REASONS.get(cause ?? '') ?? 'length';
    // A response that works in the background has begun and not ended.
    if (status === 'queued' || status === 'in_progress') return 'pause';
    const items = [...this.#items.values()];
    if (items.some(({ hasCall }) => hasCall)) return 'tool-calls';
    return items.some(({ hasRefusal }) => hasRefusal) && !items.some(({ hasText }) => hasText)
      ? 'refusal'
      : 'stop';
  }

  #fail(body: JsonObject): void {
    const error = asObject(body['error']);
    this.#end(decodeErrorChunk(error === undefined ? body : { error }));
  }

  #end(error: Extract<ChatEvent, { type: 'error' }>['error']): void {
    this.push({ type: 'error', error });
  }
}

function answerStart(response: JsonObject): ChatEvent {
  const created = countIn(response, 'created_at');
  return {
    type: 'answer-start',
    upstreamId: textIn(response, 'id'),
    upstreamModel: textIn(response, 'model'),
    createdAtSeconds: created === 0 ? undefined : created,
  };
}
