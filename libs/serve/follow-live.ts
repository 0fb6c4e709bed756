/** An artifact of a release that follows the live counters: rebuilt at a bounded pace beside the one that serves, then swapped whole. */

import type { Clock } from "#libs/core/clock.ts";
import { type ModisteError, toModisteError } from "#libs/core/errors.ts";
import { addedCounts, createLiveView, type LiveItem, type LiveView, type ReleaseCounts } from "#libs/features/live-counts.ts";
import { createPace, type Pace } from "#libs/sparse/pace.ts";
import type { LiveChanges, LiveCounters } from "./live-counters.ts";

export interface LiveArtifact<Artifact> {
  /** What requests are given. */
  current(): Artifact;
  /** Everything that the counters have told by now is in `current` when it resolves. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

export interface FollowLiveOptions<Artifact> {
  readonly counters: LiveCounters;
  readonly release: ReleaseCounts & { readonly indexOf: ReadonlyMap<string, number> };
  /** As it was loaded. */
  readonly artifact: Artifact;
  readonly follow: (artifact: Artifact, view: LiveView, pace: Pace) => Promise<Artifact>;
  readonly clock: Clock;
  /** The serving instant, seconds since 1970 UTC. */
  readonly servingNow: () => number;
  /** Least pause between two rebuilds, milliseconds. */
  readonly rebuildMs: number;
  /** A rebuild failed: the artifact before it goes on. Told once until one succeeds. */
  readonly onFailure: (error: ModisteError) => void;
}

/** What a rebuild may hold the event loop for: less than the 2 ms that a handler may. */
const sliceMs = 1;
/** Pauses are at least so many times as long as the rebuild before them, so that rebuilds take a tenth of a core at most. */
const pauseRatio = 9;
/** Between two looks at the day, which moves windows on without any event. */
const dayCheckMs = 60_000;

/** Has followed what the counters hold when it resolves. */
export async function followLive<Artifact>(options: FollowLiveOptions<Artifact>): Promise<LiveArtifact<Artifact>> {
  const { counters, release, follow, clock, servingNow, rebuildMs, onFailure } = options;
  const stop = new AbortController();
  const added: (LiveItem | undefined)[] = new Array(release.itemCount).fill(undefined);
  let pending = new Map<string, LiveItem>(counters.items);
  let current = options.artifact;
  let today = -1;
  let failed = false;
  let timer: NodeJS.Timeout | undefined;
  let nextMs = Number.NEGATIVE_INFINITY;

  const takePending = (): boolean => {
    const changed = pending;
    pending = new Map();
    let any = false;
    for (const [id, live] of changed) {
      const item = release.indexOf.get(id);
      if (item === undefined) continue;
      const more = addedCounts(item, live, release);
      any ||= more !== undefined || added[item] !== undefined;
      added[item] = more;
    }
    return any;
  };
  const rebuild = async (): Promise<void> => {
    const changed = takePending();
    const view = createLiveView(release, added.slice(), servingNow());
    if (view === null || (!changed && !failed && view.today === today)) return;
    current = await follow(current, view, createPace(stop.signal, sliceMs));
    today = view.today;
  };
  const tryRebuild = async (): Promise<void> => {
    const startMs = clock.monotonicMs();
    try {
      await rebuild();
      failed = false;
    } catch (cause) {
      if (!failed && !stop.signal.aborted) onFailure(toModisteError(cause));
      failed = true;
    }
    const endMs = clock.monotonicMs();
    nextMs = endMs + Math.max(rebuildMs, (endMs - startMs) * pauseRatio);
  };
  /** One rebuild at a time. */
  let rebuilding: Promise<void> = Promise.resolve();
  const settle = (): Promise<void> => {
    rebuilding = rebuilding.then(tryRebuild);
    return rebuilding;
  };
  const schedule = (): void => {
    if (timer !== undefined || stop.signal.aborted) return;
    const run = (): void => {
      timer = undefined;
      void settle().then(() => (pending.size > 0 ? schedule() : undefined));
    };
    timer = setTimeout(run, Math.max(0, nextMs - clock.monotonicMs()));
    timer.unref();
  };
  const hear = (changed: LiveChanges): void => {
    for (const [id, item] of changed) pending.set(id, item);
    schedule();
  };
  const unsubscribe = counters.subscribe(hear);
  const days = setInterval(schedule, dayCheckMs);
  days.unref();
  await settle();
  return {
    current: () => current,
    settle,
    close: async () => {
      stop.abort();
      unsubscribe();
      clearInterval(days);
      clearTimeout(timer);
      await rebuilding;
    },
  };
}
