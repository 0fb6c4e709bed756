/** What rules of the shop did to an item, named. */

import type { Reason } from "#protos/recommender.ts";
import { placePins } from "../arrange/pins.ts";
import type { GatewayQuery } from "../query.ts";

/** Who says so where it is no source of candidates. */
const source = "rules";

export interface RuleReasons {
  /** It stands where it stands because of this: the strongest reason there is. */
  readonly pinned: readonly Reason[];
  /** They moved its score, and did not bring it in. */
  readonly moved: readonly Reason[];
}

const reasonOf = (kind: string, rule: string): Reason => ({ kind, source, becauseItemId: "", text: `${kind} by rule ${rule}`, rule });

/** @param items the candidates that the list was arranged from. Answers the reasons of a candidate by its position; one a rule and kind. */
export function explainRules({ rules, limit }: GatewayQuery, items: Int32Array): (position: number) => RuleReasons {
  const pins = new Map(placePins(rules.pins, items, limit).map(({ candidate, rule }) => [candidate, rule]));
  return (position) => {
    const pin = pins.get(position);
    const moved = new Map(
      rules.boosts.filter(({ matches }) => matches(items[position]!)).map(({ kind, rule }) => [`${kind} ${rule}`, reasonOf(kind, rule)]),
    );
    return { pinned: pin === undefined ? [] : [reasonOf("pinned", pin)], moved: [...moved.values()] };
  };
}
