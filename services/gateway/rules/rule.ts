/** What a shop's rules say, as the rule file has it; docs/rules.md tells their meaning. */

import type { SurfaceName } from "#libs/pipeline/surfaces.ts";

/** When a rule applies: every condition given must hold, one of its values each. None: always. */
export interface RuleWhen {
  readonly requests?: readonly ("recommend" | "similar" | "popular")[] | undefined;
  readonly surfaces?: readonly SurfaceName[] | undefined;
  /** The request's own filter names one of them. */
  readonly categories?: readonly string[] | undefined;
  /** The request's own filter names one of the values of each; no values: any. */
  readonly attributes?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly users?: readonly ("known" | "unknown" | "session" | "unavailable")[] | undefined;
  /** Attributes of the user. */
  readonly segment?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Seconds since 1970 UTC; `until` excluded. */
  readonly from?: number | undefined;
  readonly until?: number | undefined;
}

/** Which items: every condition given must hold, one of its values each. At least one is given. */
export interface RuleWhere {
  readonly items?: readonly string[] | undefined;
  readonly categories?: readonly string[] | undefined;
  readonly product_groups?: readonly string[] | undefined;
  readonly attributes?: Readonly<Record<string, readonly string[]>> | undefined;
}

export interface RulePin {
  /** External id. */
  readonly item: string;
  /** Place in the list, from 1. */
  readonly position: number;
}

export interface RuleBoost {
  readonly where: RuleWhere;
  /** Above 1; see arrange/boosts.ts. */
  readonly factor: number;
}

export interface Rule {
  readonly name: string;
  readonly when: RuleWhen;
  readonly pin: readonly RulePin[];
  readonly boost: readonly RuleBoost[];
  readonly bury: readonly RuleBoost[];
  readonly hide: readonly RuleWhere[];
}
