/** Follows `current`: loads the next release beside the old one, swaps one reference, keeps the one before. */

import { setTimeout as delay } from "node:timers/promises";
import { ModisteError, toModisteError } from "#libs/core/errors.ts";
import type { ReleaseStore } from "./folder-store.ts";
import type { ReleaseManifest } from "./manifest.ts";

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
  /** A refused release: the old one keeps serving. Called once a refusal, not once a look. */
  readonly onRefusal: (release: string, error: ModisteError) => void;
  /** Milliseconds between two looks at `current`. */
  readonly intervalMs?: number;
}

export interface ReleaseFollower<Artifact> {
  /** The serving release. Throws `unavailable` before the first is loaded. */
  current(): Loaded<Artifact>;
  /** The pinned release if it is held (the serving one or the one before), else the serving one. */
  pinned(release: string): Loaded<Artifact>;
  /** Why nothing can be served, null when something can. */
  notReady(): string | null;
  /** Looks once at `current` now and loads what it names. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** Loads the current release if there is one, then looks again every `intervalMs` (default 500). */
export async function followReleases<Artifact>(options: FollowerOptions<Artifact>): Promise<ReleaseFollower<Artifact>> {
  let current: Loaded<Artifact> | null = null;
  let previous: Loaded<Artifact> | null = null;
  let refused: { release: string; error: ModisteError } | null = null;
  const stop = new AbortController();

  const swapTo = (next: Loaded<Artifact>): void => {
    previous = current;
    current = next;
    refused = null;
    options.onSwap(next.release);
  };
  const refresh = async (): Promise<void> => {
    const id = await options.store.current();
    if (id === null || id === refused?.release) return;
    if (id === current?.release) {
      // A refused release that is mended and promoted again later gets another look.
      refused = null;
      return;
    }
    if (id === previous?.release) return swapTo(previous);
    try {
      const manifest = await options.store.manifest(id);
      const next = { release: id, manifest, artifact: await options.load(manifest) };
      await options.warm?.(next);
      swapTo(next);
    } catch (cause) {
      refused = { release: id, error: toModisteError(cause) };
      options.onRefusal(id, refused.error);
    }
  };
  const follow = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await delay(options.intervalMs ?? 500, undefined, { signal: stop.signal, ref: false }).catch(() => undefined);
      if (!stop.signal.aborted) {
        await refresh().catch((cause: unknown) => {
          options.onRefusal("current", toModisteError(cause));
        });
      }
    }
  };
  await refresh();
  const following = follow();

  const serving = (): Loaded<Artifact> => {
    if (current) return current;
    throw new ModisteError("unavailable", "release_missing", notReady() ?? "no release is loaded", refused ? { cause: refused.error } : {});
  };
  const notReady = (): string | null => {
    if (current) return null;
    return refused
      ? `release ${refused.release} was refused: ${refused.error.detail}`
      : "no release has been promoted yet; run `modiste train`";
  };
  return {
    current: serving,
    pinned: (release) => (previous !== null && previous.release === release ? previous : serving()),
    notReady,
    refresh,
    close: async () => {
      stop.abort();
      await following;
    },
  };
}
