import { isJsonObject } from '../../domain/json.ts';
import { CallWriter } from './call-writer.ts';
import { RefusalWriter, TextWriter } from './message-writers.ts';
import { ReasoningWriter } from './reasoning-writer.ts';
import { HostedWriter, ImageWriter } from './tool-item-writers.ts';
import { DIALECT_ID } from './wire.ts';
import type { BlockEvent, ItemWriter, Place } from './wire-event.ts';

/** The writer of the item that a block becomes; `undefined` for a block that has no place in this format. */
export function createItemWriter(event: BlockEvent, place: Place): ItemWriter | undefined {
  switch (event.type) {
    case 'text-start':
      return new TextWriter(place);
    case 'refusal-start':
      return new RefusalWriter(place);
    case 'reasoning-start':
      return new ReasoningWriter(event, place);
    case 'tool-call-start':
      // What another provider's own tools were asked stands in no item of this format; what they found is in the text.
      return event.kind === 'hosted' ? undefined : new CallWriter(event, place);
    case 'media-start':
      return event.kind === 'image' ? new ImageWriter(event, place) : undefined;
    case 'hosted-tool-result':
      return event.dialect === DIALECT_ID && isJsonObject(event.result)
        ? new HostedWriter(event.result)
        : undefined;
    default:
      return undefined;
  }
}

/** The proof of a call that has to stand beside it; `undefined` where there is none. */
export const proofOf = (writer: ItemWriter): string | undefined =>
  writer instanceof CallWriter ? writer.proof : undefined;
