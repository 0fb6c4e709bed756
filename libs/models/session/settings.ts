/** Settings of session rules. Defaults tuned on the last twentieth of Diginetica's training sessions, own items apart (docs/models.md). */

import { choice, decimal, type SettingSpec, whole } from "#libs/models/settings.ts";

export interface SessionSettings {
  readonly sessions: "auto" | "on" | "off";
  readonly sessionGapMinutes: number;
  readonly sessionsMax: number;
  readonly sessionItemsMax: number;
  readonly sessionPostings: number;
  readonly sessionRecentItems: number;
  readonly sessionNeighbours: number;
  readonly sessionHalfLifeDays: number;
  readonly sessionDecay: "exponential" | "linear";
  readonly sessionPositionScale: number;
  readonly sessionDistanceScale: number;
  readonly sessionEarlierFactor: number;
  readonly sessionMatchFactor: number;
  readonly sessionRarity: number;
  readonly sessionLengthExponent: number;
  readonly sessionPopularityExponent: number;
  readonly sessionOwnFactor: number;
  readonly sessionLastFactor: number;
  readonly ruleShare: number;
  readonly ruleItems: number;
  readonly ruleEarlierFactor: number;
  readonly sessionVote: number;
}

/** Sessions keep places in a byte. */
const placesMax = 255;

export const sessionSpec: SettingSpec<SessionSettings> = {
  sessions: choice(
    "auto",
    ["auto", "on", "off"],
    "whether sessions are learned; auto: when most events carry a time of day, as a day's basket has no order",
  ),
  sessionGapMinutes: decimal(30, 0.01, 1e9, "longest pause inside a session, and between its last event and the request"),
  sessionsMax: whole(500_000, 1, 1e8, "latest sessions that are kept; about 100 bytes each"),
  sessionItemsMax: whole(50, 2, placesMax, "latest events of a session that are kept"),
  sessionPostings: whole(
    500,
    1,
    1e6,
    "latest sessions of an item that are looked at: bounds a request (Ludewig and Jannach 2018 sample 500 to 10,000)",
  ),
  sessionRecentItems: whole(10, 1, placesMax, "latest events of the running session that are compared"),
  sessionNeighbours: whole(500, 1, 1e5, "most similar sessions that vote (the same: 100 to 1,500)"),
  sessionHalfLifeDays: decimal(140, 0, 1e6, "age at which a session counts half; 0: never (STAN's second factor)"),
  sessionDecay: choice(
    "exponential",
    ["exponential", "linear"],
    "weight of places: STAN's exp(-d/scale) or VSKNN's linear fall (predict.ts)",
  ),
  sessionPositionScale: decimal(
    1.6,
    0.01,
    1e6,
    "events back in the running session at which a match counts 1/e (STAN's first factor; exponential only)",
  ),
  sessionDistanceScale: decimal(
    8,
    0.01,
    1e6,
    "places from the match at which a vote counts 1/e (STAN's third factor); linear: 0 at this distance (VSKNN: 10)",
  ),
  sessionEarlierFactor: decimal(0.6, 0, 10, "factor of what stood before the match in the other session"),
  sessionMatchFactor: decimal(0.6, 0, 10, "vote of the matched item itself"),
  sessionRarity: decimal(4.5, 0, 20, "power of ln(1 + sessions / sessions with the item) in a match's weight"),
  sessionLengthExponent: decimal(0.3, 0, 2, "power of the other session's length by which its similarity is divided; 1/2 is the cosine"),
  sessionPopularityExponent: decimal(0.2, 0, 2, "power of an item's sessions by which its score is divided"),
  sessionOwnFactor: decimal(
    1,
    0,
    1000,
    "factor of items that the running session has seen; 3.8 where going back counts, as on Diginetica (20 % of next views)",
  ),
  sessionLastFactor: decimal(
    0,
    0,
    1000,
    "further factor of the last of them, which is on the screen; 0.6 on Diginetica (9 % of next views)",
  ),
  ruleShare: decimal(0.003, 0, 1000, "score of the best sequential rule, relative to the best score by sessions (0: no rules)"),
  ruleItems: whole(3, 1, placesMax, "latest events that rules start from, each next one at half of the weight"),
  ruleEarlierFactor: decimal(0, 0, 10, "factor of rules that point backwards"),
  sessionVote: decimal(1, 0, 1000, "best session score in a request, relative to its best item vote (0: sessions say nothing)"),
};
