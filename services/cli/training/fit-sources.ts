/** Fits every source of the fleet into a draft release and reads it back as services will. */

import type { Catalog, UserTable } from "#libs/catalog/catalog.ts";
import type { Clock } from "#libs/core/clock.ts";
import type { Progress } from "#libs/core/progress.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import type { ReleaseDraft } from "#libs/release/store.ts";
import type { CandidateSource } from "#libs/serve/source.ts";
import type { LoadedSource } from "./offline.ts";

export interface NamedSource {
  readonly name: string;
  readonly source: CandidateSource<unknown>;
}

export interface FitSourcesOptions {
  /** Cut before `nowSeconds`. */
  readonly interactions: Interactions;
  /** As of `nowSeconds`. */
  readonly catalog: Catalog;
  readonly users: UserTable;
  readonly nowSeconds: number;
  readonly seed: number;
  readonly threads: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Settings by source. */
  readonly settings: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly clock: Clock;
  /** Told the seconds that each source took. */
  readonly onFitted: (source: string, seconds: number) => void;
}

/** One after the other: each may use all threads. */
export async function fitSources(
  sources: readonly NamedSource[],
  draft: ReleaseDraft,
  options: FitSourcesOptions,
): Promise<LoadedSource[]> {
  const loaded: LoadedSource[] = [];
  for (const { name, source } of sources) {
    const started = options.clock.monotonicMs();
    // Named one by one: a source must not reach what lies behind the cut.
    const { interactions, catalog, users, nowSeconds, seed, threads, progress, signal } = options;
    const settings = options.settings[name] ?? {};
    await draft.writePart(name, (part) =>
      source.fit({ interactions, catalog, users, nowSeconds, seed, threads, progress, signal, settings, part }),
    );
    options.onFitted(name, (options.clock.monotonicMs() - started) / 1000);
    loaded.push({ name, source, artifact: await source.load({ part: await draft.readPart(name), catalog: options.catalog }) });
  }
  return loaded;
}
