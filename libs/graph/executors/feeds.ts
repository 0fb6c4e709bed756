/** Checks of what is fed, and the sizes that follow from it. */

import { invalid } from "#libs/core/errors.ts";
import { factorsOf, formatShape, isStatic, resolveShape, type Shape } from "../dims.ts";
import type { Graph } from "../graph.ts";
import { type FeedKind, nameOf } from "../tensor.ts";
import type { Feeds, FeedValues, Sizes } from "./session.ts";

/** Something to be fed; `double`: as Float64Array. */
export interface Slot {
  readonly name: string;
  readonly shape: Shape;
  readonly kind: FeedKind | "double";
}

/** Inputs, and the parameters without weights. */
export function slotsOf(graph: Graph, weights: Readonly<Record<string, unknown>>): Slot[] {
  const fed = [...graph.inputs, ...graph.parameters.filter((tensor) => weights[nameOf(tensor)] === undefined)];
  return fed.map((tensor) => ({ name: nameOf(tensor), shape: tensor.shape, kind: tensor.kind as FeedKind }));
}

const arrayTypes = { float: Float32Array, int: Int32Array, double: Float64Array } as const;

/** The feed of a slot. Throws `invalid_argument` when it is missing or of another type. */
export function feedOf({ name, shape, kind }: Slot, feeds: Feeds): FeedValues {
  const values = feeds[name];
  if (!values) throw invalid(name, `this run has no feed of this name; expected ${kind} ${formatShape(shape)}`, "feed_missing");
  if (!(values instanceof arrayTypes[kind])) {
    throw invalid(name, `fed as ${Object.prototype.toString.call(values).slice(8, -1)}, expected ${arrayTypes[kind].name}`, "feed_type");
  }
  return values;
}

/** The one size of a shape that is not known yet, found from the number of its elements; null when there is none or more than one. */
function solve(shape: Shape, count: number, known: Sizes): readonly [string, number] | null {
  const products = shape.map(factorsOf);
  const names = products.flatMap((product) => product.names);
  const unknown = names.filter((name) => known[name] === undefined);
  if (unknown.length !== 1) return null;
  const factor = products.reduce((product, { factor }) => product * factor, 1);
  const rest = names.reduce((product, name) => product * (known[name] ?? 1), factor);
  return rest > 0 && count % rest === 0 ? [unknown[0]!, count / rest] : null;
}

/** All sizes of a run. Throws `invalid_argument` naming the slot whose feed does not fit them. */
export function sizesOf(slots: readonly Slot[], feeds: Feeds, given: Sizes): Sizes {
  const known: Record<string, number> = { ...given };
  const named = slots.filter(({ shape }) => !isStatic(shape));
  // Each round finds a size at least, or there is nothing left to find.
  for (let round = 0; round < named.length; round++) {
    for (const slot of named) {
      const found = solve(slot.shape, feedOf(slot, feeds).length, known);
      if (found) known[found[0]] = found[1];
    }
  }
  for (const slot of slots) {
    const values = feedOf(slot, feeds);
    const expected = resolveShape(slot.shape, known).reduce((product, size) => product * size, 1);
    if (values.length === expected) continue;
    throw invalid(slot.name, `fed with ${values.length} values, expected ${expected} for ${formatShape(slot.shape)}`, "feed_length");
  }
  return known;
}
