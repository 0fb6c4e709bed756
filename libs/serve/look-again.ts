/** Looks at a store again and again: at a pause of its own when all is well, at growing ones while looks fail. */

import { type ModisteError, toModisteError } from "#libs/core/errors.ts";

export interface LookOptions {
  /** Reads what is new. `stopped` says that nobody waits for it any more. */
  readonly look: (stopped: () => boolean) => Promise<void>;
  readonly intervalMs: number;
  /** Told once until a look succeeds again. */
  readonly onFailure: (error: ModisteError) => void;
}

export interface Looks {
  /** Looks now. Throws what the look throws. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** Longest pause of looks that fail one after the other, milliseconds. */
const pauseMsMax = 30_000;

/** Has looked once when it resolves; where that failed, the next looks try again. */
export async function lookAgain({ look, intervalMs, onFailure }: LookOptions): Promise<Looks> {
  let failures = 0;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  /** One look at a time: each goes on where the one before ended. */
  let looking: Promise<void> = Promise.resolve();
  const refresh = (): Promise<void> => {
    const next = looking.then(() => look(() => closed));
    looking = next.catch(() => undefined);
    return next;
  };
  const tryLook = async (): Promise<void> => {
    try {
      await refresh();
      failures = 0;
    } catch (cause) {
      if (failures++ === 0) onFailure(toModisteError(cause));
    }
  };
  const schedule = (): void => {
    if (closed) return;
    timer = setTimeout(
      () => {
        ticking = tryLook().then(schedule);
      },
      Math.max(intervalMs, Math.min(pauseMsMax, intervalMs * 2 ** failures)),
    );
    timer.unref();
  };
  let ticking: Promise<void> = tryLook().then(schedule);
  await ticking;
  return {
    refresh,
    close: async () => {
      closed = true;
      clearTimeout(timer);
      await ticking;
      await looking;
    },
  };
}
