import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

/**
 * What a block that only Anthropic knows says to any model: a search result and a document say their text (without the
 * citations that were asked for), a reference to a tool that there is one. `undefined` for all others, whose sense another
 * provider cannot be given.
 * @see https://docs.anthropic.com/en/docs/build-with-claude/search-results
 * @see https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/tool-search-tool
 */
export function plainWords(block: JsonObject): string | undefined {
  switch (block['type']) {
    case 'search_result':
      return joined([textIn(block, 'title'), textIn(block, 'source'), textOf(block['content'])]);
    case 'document':
      return documentText(block);
    case 'tool_reference': {
      const name = textIn(block, 'tool_name');
      return name === undefined ? undefined : `The tool ${name} can be called now.`;
    }
    default:
      return undefined;
  }
}

/** Documents of text, or of blocks that are all text. */
function documentText(block: JsonObject): string | undefined {
  const { source } = block;
  if (!isJsonObject(source)) return undefined;
  const text = source['type'] === 'text' ? textIn(source, 'data') : textOf(source['content']);
  if (text === undefined) return undefined;
  return joined([textIn(block, 'title'), textIn(block, 'context'), text]);
}

/** A text, or blocks that are nothing but text. */
function textOf(content: Json | undefined): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  const texts = content.map((block: Json) =>
    isJsonObject(block) && block['type'] === 'text' ? textIn(block, 'text') : undefined,
  );
  return texts.includes(undefined) ? undefined : texts.join('\n\n');
}

function textIn(holder: JsonObject, name: string): string | undefined {
  const value = holder[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function joined(texts: readonly (string | undefined)[]): string | undefined {
  const present = texts.filter((text) => text !== undefined);
  return present.length === 0 ? undefined : present.join('\n\n');
}
