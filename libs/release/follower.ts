/** Follows `current`: loads the next release beside the old one, swaps one reference, keeps the one before. */

import { randomInt } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "#libs/core/clock.ts";
import { ModisteError, toModisteError } from "#libs/core/errors.ts";
import type { ReleaseManifest } from "./manifest.ts";
import { isStoreFault, type ReleaseStore } from "./store.ts";

export interface Loaded<Artifact> {
  readonly release: string;
  readonly manifest: ReleaseManifest;
  readonly artifact: Artifact;
}

export interface FollowerOptions<Artifact> {
  readonly store: ReleaseStore;
  readonly load: (manifest: ReleaseManifest) => Promise<Artifact>;
  /** Answers golden requests before the swap, so that the first caller finds warm code; may throw to refuse. */
  readonly warm?: (loaded: Loaded<Artifact>) => Promise<void>;
  readonly onSwap: (release: string) => void;
  /**
   * Frees what the collector does not see, such as native sessions. No request is given the release any more, and those that were have ended. Closing
   * retires all that is held.
   */
  readonly retire?: (loaded: Loaded<Artifact>) => Promise<void>;
  /** A refused release: the old one keeps serving. Called once a refusal, not once a look. */
  readonly onRefusal: (release: string, error: ModisteError) => void;
  /** The store cannot be looked at, or, null, can be again. Called once for each such time, not once a look. */
  readonly onFault?: (fault: ModisteError | null) => void;
  /** Milliseconds between two looks at `current`, give or take a fifth, so that replicas do not look all at once. Default: the store's own. */
  readonly intervalMs?: number | undefined;
  /** Milliseconds that a start waits for the first release. */
  readonly firstMs?: number;
  /** Milliseconds that a dropped release is held for requests that still run. */
  readonly retireMs?: number;
}

export interface ReleaseFollower<Artifact> {
  /** The serving release. Throws `unavailable` before the first is loaded. */
  current(): Loaded<Artifact>;
  /** The pinned release if it is held (the serving one or the one before), else the serving one. */
  pinned(release: string): Loaded<Artifact>;
  /** Why nothing can be served, null when something can. */
  notReady(): string | null;
  /** What is wrong although something is served: a release that was refused, a store that cannot be looked at. */
  remark(): string | null;
  /** Looks once at `current` now and loads what it names. Throws what the store throws that cannot be looked at. */
  refresh(): Promise<void>;
  /** Calls that use a release have ended. */
  close(): Promise<void>;
}

interface Refusal {
  readonly release: string;
  readonly error: ModisteError;
  readonly tries: number;
  /** When it may be tried again, on the monotonic clock. */
  readonly againMs: number;
}

/** Milliseconds until a refused release is looked at again. */
const retryMs = { first: 10_000, longest: 300_000 } as const;
/** Longest pause of looks that fail one after the other, milliseconds. */
const pauseMsMax = 30_000;
/** A start waits so long for its first release, milliseconds; then it goes on without one, so that it can be asked why it is not ready. */
const firstMsMax = 30_000;
/** Closing waits so long for a look that is under way, milliseconds. */
const closeMsMax = 5000;

const parentOf = ({ parent }: ReleaseManifest): string | null => parent;

/**
 * Loads the current release if there is one, then looks again every `intervalMs`, at growing pauses while the store cannot be looked at. A fault of
 * the store changes nothing for what serves, and a start waits for its end.
 */
export async function followReleases<Artifact>(options: FollowerOptions<Artifact>): Promise<ReleaseFollower<Artifact>> {
  let current: Loaded<Artifact> | null = null;
  let previous: Loaded<Artifact> | null = null;
  let refused: Refusal | null = null;
  let loading: string | null = null;
  let fault: ModisteError | null = null;
  let failures = 0;
  const { location } = options.store;
  const stop = new AbortController();

  /** Dropped releases that requests may still use, with the timers that retire them. */
  const dropping = new Map<Loaded<Artifact>, NodeJS.Timeout>();
  const retire = async (loaded: Loaded<Artifact>): Promise<void> => {
    clearTimeout(dropping.get(loaded));
    dropping.delete(loaded);
    await options.retire?.(loaded).catch((cause: unknown) => options.onRefusal(loaded.release, toModisteError(cause)));
  };
  /** A request that was given the release may still run: its deadline is far shorter than this. */
  const retireLater = (dropped: Loaded<Artifact>): void => {
    const timer = setTimeout(() => void retire(dropped), options.retireMs ?? 60_000);
    timer.unref();
    dropping.set(dropped, timer);
  };
  const swapTo = (next: Loaded<Artifact>): void => {
    const dropped = previous === next ? null : previous;
    previous = current;
    current = next;
    options.onSwap(next.release);
    if (dropped) retireLater(dropped);
  };
  const load = async (id: string): Promise<ReleaseManifest> => {
    loading = id;
    const manifest = await options.store.manifest(id);
    const next = { release: id, manifest, artifact: await options.load(manifest) };
    try {
      await options.warm?.(next);
    } catch (cause) {
      await options.retire?.(next);
      throw cause;
    }
    if (stop.signal.aborted) {
      await options.retire?.(next);
      throw new ModisteError("cancelled", "closed", `release ${id} was loaded when nobody waited for it any more`);
    }
    swapTo(next);
    return manifest;
  };
  /** Tries `id`; a refusal is reported when it is new, and tried again later: a part may be mended in place. */
  const attempt = async (id: string): Promise<void> => {
    try {
      await load(id);
      refused = null;
    } catch (cause) {
      const error = toModisteError(cause);
      if (isStoreFault(error) || stop.signal.aborted) throw error;
      const tries = refused?.release === id ? refused.tries + 1 : 1;
      const pauseMs = Math.min(retryMs.longest, retryMs.first * 2 ** (tries - 1));
      refused = { release: id, error, tries, againMs: systemClock.monotonicMs() + pauseMs };
      options.onRefusal(id, error);
    }
  };
  /** A process that starts on a refused release serves the one before it, as its neighbours do. */
  const fallBack = async (id: string): Promise<void> => {
    let before = await options.store.manifest(id).then(parentOf, () => null);
    while (before !== null && current === null) {
      const candidate = before;
      before = await load(candidate).then(
        () => null,
        (cause: unknown) => {
          const error = toModisteError(cause);
          if (isStoreFault(error) || stop.signal.aborted) throw error;
          options.onRefusal(candidate, error);
          return options.store.manifest(candidate).then(parentOf, () => null);
        },
      );
    }
  };
  const refresh = async (): Promise<void> => {
    const id = await options.store.current();
    if (id === null) return;
    if (id === current?.release) {
      // A refused release that is promoted again later gets another look at once.
      refused = null;
      return;
    }
    if (refused?.release === id && systemClock.monotonicMs() < refused.againMs) return;
    if (id === previous?.release) return swapTo(previous);
    await attempt(id);
    if (current === null) await fallBack(id);
  };
  const look = async (): Promise<void> => {
    try {
      await refresh();
      if (fault !== null) options.onFault?.(null);
      fault = null;
      failures = 0;
    } catch (cause) {
      if (stop.signal.aborted) return;
      const error = toModisteError(cause);
      failures++;
      if (fault?.message !== error.message) options.onFault?.(error);
      fault = error;
    }
  };
  const pauseMs = (): number => {
    const intervalMs = options.intervalMs ?? options.store.lookMs;
    const longMs = Math.max(intervalMs, Math.min(pauseMsMax, intervalMs * 2 ** failures));
    return longMs * (0.8 + randomInt(401) / 1000);
  };
  const follow = async (): Promise<void> => {
    await first;
    while (!stop.signal.aborted) {
      await delay(pauseMs(), undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
      if (!stop.signal.aborted) await look();
    }
  };
  const first = look();
  const following = follow();
  await Promise.race([first, delay(options.firstMs ?? firstMsMax, undefined, { signal: stop.signal, ref: false }).catch(() => undefined)]);

  const serving = (): Loaded<Artifact> => {
    if (current) return current;
    throw new ModisteError("unavailable", "release_missing", notReady() ?? "no release is loaded", refused ? { cause: refused.error } : {});
  };
  const notReady = (): string | null => {
    if (current) return null;
    if (refused) return `release ${refused.release} was refused: ${refused.error.detail}`;
    if (fault) return `no release can be had from ${location}: ${fault.detail}`;
    return loading === null ? `no release has been promoted in ${location} yet; run \`modiste train\`` : `release ${loading} is loading`;
  };
  const remark = (): string | null => {
    if (current === null) return null;
    if (refused) return `release ${refused.release} refused: ${refused.error.detail}; ${current.release} serves`;
    return fault === null ? null : `${location} cannot be looked at: ${fault.detail}; ${current.release} serves`;
  };
  return {
    current: serving,
    pinned: (release) => (previous !== null && previous.release === release ? previous : serving()),
    notReady,
    remark,
    refresh,
    close: async () => {
      stop.abort();
      // A download may take longer than whoever ends this process waits; what it brings is dropped.
      const late = new AbortController();
      const limit = delay(closeMsMax, undefined, { signal: late.signal }).catch(() => undefined);
      await Promise.race([following, limit]);
      late.abort();
      const held = [current, previous, ...dropping.keys()].filter((loaded) => loaded !== null);
      await Promise.all(held.map(retire));
    },
  };
}
