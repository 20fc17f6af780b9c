import * as z from 'zod/mini';
import { nanoFromUsd } from '../domain/money/nano.ts';
import type { DeclaredTerms } from '../domain/money/price.ts';
import { declaredPrice, priceFromDeclaration } from './declared-price.ts';

/** A day begins at midnight UTC. */
const moment = z.union([z.iso.date(), z.iso.datetime({ offset: true })], {
  error: 'must be a day such as "2027-01-01", or a moment such as "2027-01-01T08:00:00Z"',
});

const rateTerms = z.extend(declaredPrice, { from: z.optional(moment) });

const discountTerms = z.strictObject({
  discount: z
    .number()
    .check(z.refine((share) => share > 0 && share < 1, 'must be a share between 0 and 1: 0.15 is 15 % off')),
  from: z.optional(moment),
});

const listedTerms = z
  .array(z.union([rateTerms, discountTerms]))
  .check(z.minLength(1))
  .check(
    z.refine(
      (list) => new Set(list.map(beginning)).size === list.length,
      'must hold one price for each moment, so that it is clear which one is in force',
    ),
  );
type OneTerms = z.output<typeof listedTerms>[number];

/**
 * What an operator declares for a model: rates of their own, or a `discount` off what the catalogue asks for tokens; one of
 * them, or a list of which each holds `from` its day until the next does.
 */
export const declaredTerms = z.union([rateTerms, discountTerms, listedTerms]);

/** Puts a checked declaration into the order in which they begin to hold. */
export const termsFromDeclaration = (declared: z.output<typeof declaredTerms>): readonly DeclaredTerms[] =>
  [declared]
    .flat()
    .toSorted((a, b) => beginning(a) - beginning(b))
    .map(termsOf);

const beginning = ({ from }: { readonly from?: string | undefined }): number =>
  from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(from);

function termsOf(declared: OneTerms): DeclaredTerms {
  const { from, ...terms } = declared;
  const version = from === undefined ? 'config' : `config@${from}`;
  const fromMs = from === undefined ? undefined : Date.parse(from);
  if (!('discount' in terms))
    return { fromMs, terms: { type: 'rates', price: priceFromDeclaration(terms, version) } };
  return {
    fromMs,
    terms: {
      type: 'discount',
      // A share has as many decimals as an amount of dollars: both are read without a binary fraction in between.
      billionthsOff: nanoFromUsd(terms.discount),
      version: `less ${terms.discount} (${version})`,
    },
  };
}
