import { openaiCompatible } from '../openai-compatible.ts';

export const WRITER = openaiCompatible({
  id: 'writer',
  name: 'Writer',
  baseUrl: 'https://api.writer.com/v1',
  credentialVariable: 'WRITER_API_KEY',
  speaks: {
    'openai-chat': '/chat',
    'openai-completions': '/completions',
  },
  evidence: 'verified',
  documentation: 'https://dev.writer.com/api-reference/completion-api/chat-completion',
});
