const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text that is HTML already: made by `html` only, so that whatever else is put in gets escaped. */
export interface Html {
  readonly html: string;
}

/** Joins markup and values: a value that is not `Html` is escaped, for text and for quoted attributes alike. */
export function html(
  markup: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  return { html: markup.reduce((text, part, index) => text + shown(values[index - 1]) + part) };
}

function shown(value: string | number | Html | readonly Html[] | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'object')
    return 'html' in value ? value.html : value.map((part) => part.html).join('');
  return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
