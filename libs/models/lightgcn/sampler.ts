/** Triples for BPR: a user drawn evenly, one of the user's items, one item that is not (the sampling of the authors' code). */

import type { Random } from "#libs/core/random.ts";
import type { RecentGraph } from "#libs/models/lightgcn/graph.ts";

/** Tries before a user who has nearly every item gets an own item as the negative, whose gradient then is 0 on average. */
const negativeTries = 50;

/** Fills the three columns with graph nodes (item i is node users + i). */
export function sampleTriples(
  graph: RecentGraph,
  random: Random,
  users: Int32Array,
  positives: Int32Array,
  negatives: Int32Array,
  count: number,
): void {
  const { userCount, offsets, edges } = graph;
  for (let t = 0; t < count; t++) {
    const user = random.below(userCount);
    const from = offsets[user]!;
    const to = offsets[user + 1]!;
    let negative = random.below(graph.items.length);
    for (let tries = 0; tries < negativeTries && contains(edges, from, to, negative); tries++) negative = random.below(graph.items.length);
    users[t] = user;
    positives[t] = userCount + edges[from + random.below(to - from)]!;
    negatives[t] = userCount + negative;
  }
}

/** Binary search in edges[from, to), ascending. */
function contains(edges: Int32Array, from: number, to: number, item: number): boolean {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! < item) low = middle + 1;
    else high = middle;
  }
  return low < to && edges[low] === item;
}

/** Draws edges evenly into `drawn`, and fills both columns with their ends, as nodes. */
export function sampleEdges(graph: RecentGraph, random: Random, drawn: Int32Array, users: Int32Array, positives: Int32Array): void {
  const { offsets, edges, userCount } = graph;
  for (let t = 0; t < drawn.length; t++) {
    const edge = random.below(edges.length);
    drawn[t] = edge;
    users[t] = ownerOf(offsets, edge);
    positives[t] = userCount + edges[edge]!;
  }
}

/** The user whose edges hold this one: the last offset at or below it, by binary search. */
function ownerOf(offsets: Int32Array, edge: number): number {
  let low = 0;
  let high = offsets.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (offsets[middle]! <= edge) low = middle;
    else high = middle;
  }
  return low;
}
