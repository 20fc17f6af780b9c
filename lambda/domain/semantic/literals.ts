/**
 * The parts of a text that decide its answer although an embedding hardly notices them, in their order: numbers, amounts,
 * symbols, names, code, addresses, what stands in quotation marks, negations and words of which there is an opposite. Two
 * texts whose literals differ ask for different things, however similar they are: "transfer 100" and "transfer 1000".
 *
 * It errs towards finding too many, which costs a hit and never gives a wrong answer. It cannot know a name that is
 * written like any word ("paris"), nor every word that matters.
 */
export function literalsOf(text: string): readonly string[] {
  const quoted: string[] = [];
  const rest = text.normalize('NFKC').replaceAll(QUOTED, (match) => {
    quoted.push(match);
    return ' ';
  });
  const words = rest.split(/\s+/u).map(withoutPunctuation).filter(isLiteral);
  return [...quoted, ...words];
}

const QUOTED =
  /"[^"]+"|`[^`]+`|“[^”]+”|„[^“”]+[“”]|«[^»]+»|‹[^›]+›|(?<![\p{L}\p{N}])['‘][^'‘’\n]+['’](?![\p{L}\p{N}])/gu;

/** Signs that mark sentences say nothing beside the words; those within a word (`example.com`, `a_b`) stay. */
const withoutPunctuation = (word: string): string =>
  word.replace(/^[.,;:!?()[\]{}"'‘’“”„«»…¿¡*–—]+/u, '').replace(/[.,;:!?()[\]{}"'‘’“”„«»…*–—]+$/u, '');

function isLiteral(word: string): boolean {
  if (/[\p{N}\p{S}#%&@/\\_*.:]/u.test(word)) return true;
  const lower = word.toLowerCase().replaceAll('’', "'");
  const isName = /\p{Lu}/u.test(word) && (!COMMON.has(lower) || /.\p{Lu}/u.test(word));
  return isName || CONTRACTED.test(lower) || lower.split(/[-‐‑]/u).some((part) => TELLING.has(part));
}

/** `don't`, `wont`: the apostrophe is often left out. */
const CONTRACTED =
  /^(?:is|are|was|were|do|does|did|has|have|had|ca|could|would|should|must|need|might|wo|sha|ai)n'?t$/;

const wordsOf = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Words that begin questions and requests: that they are capitalised makes them no names. */
const COMMON = wordsOf(
  `a an and are as at be but by can could describe did do does explain find for from generate get give hello help hi how
  i i'd i'll i'm i've if in is it it's kindly let list look make may my need of on or our please provide say shall should
  show so summarise summarize tell thanks that the their then there these this those to was we were what what's when
  where which who whom whose why will with would write you your`,
);

/**
 * Negations in several languages; numbers in words; and of pairs of opposites the one that is said less often, as the
 * other's absence tells them apart.
 */
const TELLING = wordsOf(
  `no not never none nothing nobody neither nor without cannot except unless excluding instead
  nicht kein keine keinen keinem keiner keines nie niemals ohne außer weder
  ne pas jamais sans aucun aucune rien ni nunca jamás sin ningún ninguna ninguno não nem sem non mai senza nessun nessuna
  niet geen nooit zonder
  zero one two three four five six seven eight nine ten eleven twelve dozen twenty thirty forty fifty sixty seventy eighty
  ninety hundred thousand million billion trillion half quarter third twice double triple once single
  first second last next previous final
  off out down under below beneath before until backward left south west
  less fewer least fewest min minimum lower lowest smaller smallest shorter slower worse worst cheaper older oldest
  decrease decreases decreased reduce reduces reduced disable disabled deny denied refuse refused reject rejected forbid
  forbidden remove removed delete deleted undo revert uninstall unsubscribe cancel stop end close closed exit lose lost fail
  failed sell sold withdraw debit borrow outgoing import decode decrypt unlock hide private illegal unsafe false wrong
  incorrect invalid impossible unable inactive negative disadvantages cons against
  yesterday tomorrow tonight past future female woman women girl`,
);
