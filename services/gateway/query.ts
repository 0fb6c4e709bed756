/** One request on its way through the pipeline. */

import type { ItemFilter } from "#libs/catalog/filter.ts";
import type { Event, History } from "#libs/events/event.ts";
import type { Surface } from "#libs/pipeline/surfaces.ts";
import type { GatewayRelease } from "./release.ts";
import type { ActiveRules } from "./rules/active-rules.ts";

/** What was known of the subject; see the proto's UserKnowledge. */
export type Knowledge = "known" | "unknown" | "session" | "unavailable";

export interface GatewayQuery {
  readonly kind: "recommend" | "similar" | "popular";
  /** Whose profiles count: the user, the session, both or none. */
  readonly subjects: readonly string[];
  readonly surface: Surface;
  /** Items wanted. */
  readonly limit: number;
  /** The instant to answer for, seconds since 1970 UTC. */
  readonly nowSeconds: number;
  readonly filter: ItemFilter;
  /** External ids of the items to be similar to. */
  readonly seedItemIds: readonly string[];
  /** Events given in the request, not yet in any profile. */
  readonly session: readonly Event[];
  readonly attributes: ReadonlyMap<string, string>;
  /** Whether the request names an instant of its own: then nothing later counts. */
  readonly asOf: boolean;
  /** Profile and session together, ascending by time, whole: filters need it all. Sources and ranker get `latestHistory`. Filled by hydrate. */
  readonly history: History;
  readonly knowledge: Knowledge;
  /** Whether the profiles of the subjects are in the history; false also for who has none to ask for. Filled by hydrate. */
  readonly profileAnswered: boolean;
  /** Rules of the rule file that apply. Filled by hydrate. */
  readonly rules: ActiveRules;
  /** Feature rows asked of the ranker for the record of the answer; 0: none. */
  readonly featureRows: number;
  /** Whether each item is to say what adds to its score. */
  readonly explain: boolean;
  /** Pinned for the whole request. */
  readonly release: GatewayRelease;
}
