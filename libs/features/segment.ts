/** Groups of users that buy alike and are known before their first purchase. */

export const segments = ["unknown", "under_20", "20_24", "25_29", "30_39", "40_49", "50_59", "60_and_over"] as const;

export type Segment = (typeof segments)[number];

/** Upper ages (exclusive) of segments 1 to 6. H&M's ages have peaks at 20-26 and 48-53 and a trough at 36-43. */
const upperAges = [20, 25, 30, 40, 50, 60] as const;

/** Index into `segments` from an age in years as text; 0 when it is absent or no number. */
export function segmentIndex(age: string | undefined): number {
  const years = age === undefined || age === "" ? Number.NaN : Number(age);
  if (!(years > 0)) return 0;
  const at = upperAges.findIndex((upper) => years < upper);
  return at === -1 ? segments.length - 1 : at + 1;
}
