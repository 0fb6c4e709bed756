/** The picture of an item: its garment in its colour and pattern, or its initials where it is none. */

import type { Item } from "./api.ts";
import { colourWord, type Paint, paintOf } from "./colours.ts";
import { s, styled } from "./dom.ts";
import { silhouettes } from "./silhouettes.ts";
import { silhouetteOf } from "./which-silhouette.ts";

/** Ids of patterns must differ inside one page. */
const numbers = { next: 0 };

type PatternShape = (paint: Paint) => SVGElement[];

const stroke = (d: string, { line }: Paint, width: number): SVGElement =>
  s("path", { d, fill: "none", stroke: line, "stroke-width": width, opacity: 0.55 });
const dot = (cx: number, cy: number, r: number, { line }: Paint): SVGElement => s("circle", { cx, cy, r, fill: line, opacity: 0.6 });

/** Patterns by words of the catalogue's "appearance"; one tile of 10 by 10 each. */
const patterns: readonly (readonly [RegExp, PatternShape])[] = [
  [/stripe/, (paint) => [stroke("M0 2.500H10M0 7.500H10", paint, 1.6)]],
  [/check/, (paint) => [stroke("M5 0V10M0 5H10", paint, 2.4)]],
  [/dot/, (paint) => [dot(2.5, 2.5, 1.2, paint), dot(7.5, 7.5, 1.2, paint)]],
  [
    /floral|all over|pattern/,
    (paint) => [dot(2, 3, 1, paint), dot(4, 2, 1, paint), dot(3, 4.6, 1, paint), dot(7, 8, 0.9, paint), dot(8.6, 6.8, 0.9, paint)],
  ],
  [/melange|denim|jacquard|texture|structure/, (paint) => [stroke("M0 10L10 0M-2 2L2 -2M8 12L12 8", paint, 0.7)]],
  [
    /lace|mesh|transparent|glitter|metallic|sequin/,
    (paint) => [dot(5, 5, 0.8, paint), dot(0, 0, 0.8, paint), dot(10, 0, 0.8, paint), dot(0, 10, 0.8, paint), dot(10, 10, 0.8, paint)],
  ],
];

function patternFill(appearance: string, paint: Paint): { readonly defs: SVGElement; readonly fill: string } | null {
  const shape = patterns.find(([word]) => word.test(appearance.toLowerCase()))?.[1];
  if (!shape) return null;
  const id = `pattern-${numbers.next++}`;
  const tile = s("pattern", { id, width: 10, height: 10, patternUnits: "userSpaceOnUse" }, ...shape(paint));
  return { defs: s("defs", {}, tile), fill: `url(#${id})` };
}

function garment(name: keyof typeof silhouettes, item: Item, paint: Paint): SVGElement {
  const { outlines, seams } = silhouettes[name];
  const pattern = patternFill(item.attributes.appearance ?? "", paint);
  const shape = (d: string, fill: string, line: string): SVGElement =>
    s("path", { d, fill, stroke: line, "stroke-width": 1.1, "fill-rule": "evenodd" });
  return s(
    "svg",
    { viewBox: "0 0 100 110", class: "garment", "aria-hidden": "true", "stroke-linejoin": "round", "stroke-linecap": "round" },
    pattern?.defs,
    ...outlines.map((d) => shape(d, paint.fill, paint.line)),
    ...(pattern ? outlines.map((d) => s("path", { d, fill: pattern.fill, "fill-rule": "evenodd" })) : []),
    ...seams.map((d) => s("path", { d, fill: "none", stroke: paint.line, "stroke-width": 1.1, opacity: 0.8 })),
  );
}

/** What is no garment, such as a film: a plain card with the first letters of its name. */
function card(item: Item, paint: Paint): SVGElement {
  const letters = (item.name || item.item_id)
    .split(/\s+/)
    .filter((word) => /^[\p{L}\p{N}]/u.test(word))
    .slice(0, 2);
  const initials = letters.map((word) => [...word][0]!.toUpperCase()).join("");
  return s(
    "svg",
    { viewBox: "0 0 100 110", class: "garment", "aria-hidden": "true" },
    s("rect", { x: 20, y: 10, width: 60, height: 90, rx: 4, fill: paint.fill, stroke: paint.line, "stroke-width": 1.1 }),
    s("path", { d: "M20 78H80", stroke: paint.line, "stroke-width": 1.1, opacity: 0.6 }),
    s("text", { x: 50, y: 54, "text-anchor": "middle", class: "initials", fill: paint.light ? "#2a2320" : "#fffaf2" }, initials),
  );
}

export function picture(item: Item): SVGElement {
  const { attributes, category } = item;
  const paint = paintOf(colourWord(attributes), item.category || item.item_id);
  const name = silhouetteOf(category, attributes.garment_group ?? "", attributes.garment_kind ?? "", item.name);
  const wearable = name !== null || "garment_group" in attributes || "garment_kind" in attributes;
  const drawing = wearable ? garment(name ?? "hanger", item, paint) : card(item, wearable ? paint : paintOf("", item.item_id));
  return styled(drawing, { "--garment": paint.fill });
}
