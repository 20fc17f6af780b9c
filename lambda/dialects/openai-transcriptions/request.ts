import type { ChatRequest } from '../../domain/chat/request.ts';
import type { JsonObject } from '../../domain/json.ts';
import { Given } from '../given.ts';
import { membersOf } from '../operation-dialect.ts';
import { audioSeconds } from './audio-seconds.ts';

/** What the format knows: a sound costs as long as it is. */
export const TRANSCRIPTION_OPTIONS: ReadonlySet<string> = new Set([
  ...[
    'file',
    'prompt',
    'language',
    'temperature',
    'response_format',
    'stream',
    'chunking_strategy',
    'include',
    'include[]',
    'timestamp_granularities',
    'timestamp_granularities[]',
  ],
]);

/** Reads the fields of the form. @throws GatewayError `invalid_request` */
export function decodeRequest(fields: JsonObject): ChatRequest {
  const given = new Given(fields, '');
  const file = given.member('file');
  // A plain field of that name is no file.
  const bytes = file.member('bytes').value;
  if (typeof bytes !== 'string' || bytes === '') return file.refuse('a file that is not empty');
  const prompt = given.member('prompt').optionalString();
  given.member('response_format').optionalString();
  const seconds = audioSeconds(bytes);
  const mediaType = file.member('content_type').optionalString() ?? '';
  return {
    model: given.member('model').string(),
    messages: [
      {
        role: 'user',
        content: [
          ...(prompt === undefined ? [] : [{ type: 'text', text: prompt } as const]),
          // Its bytes stay in the form: what it counts for hangs on how long it sounds.
          { type: 'audio', source: { type: 'base64', mediaType, data: '' } },
        ],
      },
    ],
    stream: given.member('stream').optionalString() === 'true',
    includeUsage: true,
    work: {
      units: seconds.exact === undefined ? {} : { audioSeconds: seconds.exact },
      likelyUnits: { audioSeconds: seconds.likely },
    },
    ...membersOf(fields, TRANSCRIPTION_OPTIONS),
  };
}

/** @see https://platform.openai.com/docs/api-reference/audio/createTranscription#audio_createtranscription-response_format */
export function answerContentType({ stream, nativeOptions }: ChatRequest): string {
  if (stream) return 'text/event-stream; charset=utf-8';
  switch (nativeOptions['response_format']) {
    case 'text':
    case 'srt':
    case 'vtt':
      return 'text/plain; charset=utf-8';
    default:
      return 'application/json';
  }
}
