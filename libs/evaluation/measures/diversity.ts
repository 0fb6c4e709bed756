import type { AttributeColumn } from "#libs/catalog/catalog.ts";
import { listOf } from "../lists.ts";
import { type Measure, meanOf } from "./measure.ts";

/** Cosine of two items as sets of attribute values: values in common over the root of both counts; 0 for items without attributes. */
function cosine(columns: readonly AttributeColumn[], a: number, b: number): number {
  let [common, ofA, ofB] = [0, 0, 0];
  for (const { codes } of columns) {
    if (codes[a]! >= 0) ofA++;
    if (codes[b]! >= 0) ofB++;
    if (codes[a]! >= 0 && codes[a] === codes[b]) common++;
  }
  return common === 0 ? 0 : common / Math.sqrt(ofA * ofB);
}

/** Intra-list diversity: 1 less the mean cosine of attributes over all pairs of a list (Ziegler et al., WWW 2005), mean over lists of two or more. */
export const diversity: Measure = {
  name: "diversity",
  of: ({ lists, cases, catalog }) => {
    const columns = [catalog.category, catalog.productGroup, ...catalog.attributes].filter(({ codes }) => codes.some((code) => code >= 0));
    if (columns.length === 0) return Number.NaN;
    return meanOf(
      Array.from(cases.users, (_, c) => {
        const list = listOf(lists, c);
        let sum = 0;
        for (let i = 0; i < list.length; i++) for (let j = 0; j < i; j++) sum += 1 - cosine(columns, list[i]!, list[j]!);
        return list.length < 2 ? Number.NaN : (2 * sum) / (list.length * (list.length - 1));
      }),
    );
  },
};
