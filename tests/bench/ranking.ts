/** Ranking 500 candidates with all features, on one core, in the process. */

import { join } from "node:path";
import { systemClock } from "#libs/core/clock.ts";
import { createRandom } from "#libs/core/random.ts";
import { readCatalog, vocabularyPart } from "#libs/release/catalog-part.ts";
import { openFolderStore } from "#libs/release/folder-store.ts";
import { ranker } from "../../services/ranking/ranker.ts";
import { type Figure, median } from "./report.ts";

const candidateCount = 500;
const eventCount = 50;
const calls = 400;

export async function benchRanking(home: string): Promise<Figure[]> {
  const store = openFolderStore(join(home, "releases"));
  const manifest = await store.manifest((await store.current())!);
  const catalog = readCatalog(await store.part(manifest, vocabularyPart));
  const artifact = await ranker.load({ part: await store.part(manifest, "ranking"), catalog });
  const random = createRandom(1, "bench ranking");
  const nowSeconds = manifest.data.end_seconds;
  const times: number[] = [];
  for (let call = 0; call < calls; call++) {
    const candidates = Int32Array.from(new Set(Array.from({ length: candidateCount * 2 }, () => random.below(catalog.itemCount)))).slice(
      0,
      candidateCount,
    );
    const ranks = Uint32Array.from(candidates, (_, i) => (i % 3 === 0 ? 0 : i + 1));
    const scores = Float32Array.from(ranks, (rank) => (rank === 0 ? 0 : 1 / rank));
    const sources = ["popularity", "itemcf", "lightgcn", "content"].map((source) => ({ source, ranks, scores }));
    const items = Int32Array.from({ length: eventCount }, () => random.below(catalog.itemCount));
    const events = {
      items,
      times: Float64Array.from(items, (_, i) => nowSeconds - (eventCount - i) * 86_400),
      types: new Uint8Array(eventCount).fill(3),
    };
    const started = systemClock.monotonicMs();
    ranker.score(artifact, { candidates, sources, events, attributes: new Map([["age", "31"]]), nowSeconds });
    times.push(systemClock.monotonicMs() - started);
  }
  return [{ name: `${manifest.data.name}.ranking.p50`, value: median(times.slice(calls / 4)), unit: "ms", better: "lower", budget: 2 }];
}
