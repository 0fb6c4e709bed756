/** How far an executor is from the reference. */

import { type Case, draw, singles } from "./cases.fixture.ts";
import { openExecutor } from "./executors/executor.ts";
import type { Executor, Feeds } from "./executors/session.ts";
import { createGraph, type Graph } from "./graph.ts";

/** The worst difference of an output, relative to the largest value of that output or to `floor`, whichever is larger; infinite for another length. */
function distanceOf(found: Float32Array, expected: Float32Array, floor: number): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), floor);
  // NaN must not pass as near: it makes the maximum NaN, which no limit is above.
  return expected.reduce((worst, value, i) => Math.max(worst, Math.abs(value - found[i]!) / scale), 0);
}

/** The worst output of a graph, with its name. The session is run twice: the second run must not see what the first one left. */
export async function graphDistance(executor: Executor, graph: Graph, feeds: Feeds, floor: number): Promise<readonly [string, number]> {
  const reference = await (await openExecutor("reference")).open(graph, { threads: 1 });
  const expected = await reference.run(feeds);
  const session = await executor.open(graph, { threads: 1 });
  await session.run(feeds);
  const found = await session.run(feeds);
  await session.close();
  return Object.keys(expected)
    .map((name): [string, number] => [name, distanceOf(found[name]!, expected[name]!, floor)])
    .reduce((worst, one) => (one[1] <= worst[1] ? worst : one));
}

export async function caseDistance(executor: Executor, one: Case): Promise<number> {
  const drawn = draw(one);
  return (await graphDistance(executor, createGraph({ result: one.build(drawn.inputs) }), singles(drawn), 1))[1];
}
