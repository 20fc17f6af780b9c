import type { SimulatedPrompt } from './prompt.ts';

const KEYWORDS = 3;
const COMMON_WORDS = new Set(
  'about above after again also because been before being between both could does doing down each from have here into just like make more most much name only other over please same should some such tell than that their them then there these they this those through under very want were what when where which while will with would your'.split(
    ' ',
  ),
);

/** Whether a word says hardly anything of what a text is about. */
export const isCommonWord = (word: string): boolean => word.length < 4 || COMMON_WORDS.has(word);

/** The words a question seems to be about: its longest ones, in the order in which they stand there. */
export function keywordsOf(question: string): readonly string[] {
  const words = [...new Set(question.match(/\p{L}{4,}/gu) ?? [])].filter(
    (word) => !COMMON_WORDS.has(word.toLowerCase()),
  );
  const longest = new Set(words.toSorted((a, b) => b.length - a.length).slice(0, KEYWORDS));
  return words.filter((word) => longest.has(word));
}

/** Several sentences that could be an answer: the same for the same prompt, and made of some of its words. */
export function answerText(prompt: SimulatedPrompt): string {
  if (prompt.toolResults.length > 0)
    return `This is what the tools say: ${prompt.toolResults.join('; ')}. That answers the question.`;
  const [main = 'this', second = 'its context', third = 'the details'] = keywordsOf(prompt.question);
  const brief = `In short, ${main} is best understood together with ${second}. Start with a small example and build on it.`;
  if (prompt.model !== 'frontier') return brief;
  return [
    `Good question about ${main}.`,
    brief,
    `First, look at ${second}: it decides most of what follows.`,
    `Then consider ${third}, which people tend to overlook until it matters.`,
    `Finally, check the result against what you expected of ${main}, and change one thing at a time.`,
  ].join(' ');
}
