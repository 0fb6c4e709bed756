/** Groups of users that buy alike and are known before their first purchase. */

import type { UserTable } from "#libs/catalog/catalog.ts";

/** Index is the segment's number. */
export const segmentNames = ["unknown", "under_20", "20_24", "25_29", "30_39", "40_49", "50_59", "60_plus"] as const;

/** Lower ends of segments 2 to 7, years. H&M's ages have peaks at 20 to 26 and 48 to 53 and a trough at 36 to 43. */
const lowerEnds = [20, 25, 30, 40, 50, 60];

/** Segment of an age given as text; 0 when it is absent or not a number of years between 1 and 130. */
export function segmentOfAge(age: string | undefined): number {
  const years = age === undefined || age === "" ? Number.NaN : Number(age);
  if (!(years >= 1 && years <= 130)) return 0;
  return 1 + lowerEnds.filter((end) => years >= end).length;
}

/** Segment of every user, [users], from their attribute "age". */
export function userSegments(users: UserTable): Uint8Array {
  const column = users.attributes.find((attribute) => attribute.name === "age");
  const segments = new Uint8Array(users.userCount);
  if (column === undefined) return segments;
  const byCode = column.values.map(segmentOfAge);
  for (let user = 0; user < users.userCount; user++) segments[user] = byCode[column.codes[user]!] ?? 0;
  return segments;
}
