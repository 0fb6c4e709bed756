/** Finds the rules of the rule file that apply, once what is known of the user is there; the whole request then keeps them. */

import type { Hydrator } from "#libs/pipeline/pipeline.ts";
import type { GatewayQuery } from "../query.ts";
import type { RuleBook } from "../rules/rule-book.ts";

export function hydrateRules(book: Pick<RuleBook, "match">): Hydrator<GatewayQuery> {
  const withRules = (query: GatewayQuery): GatewayQuery => ({ ...query, rules: book.match(query) });
  // Computed here, never asked for: also where no time is left, what a rule hides stays hidden.
  return { name: "rules", hydrate: async (query) => withRules(query), fallback: withRules };
}
