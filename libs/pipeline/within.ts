/** Time of one stage: who is late is left behind, told to stop, and named. */

import { toModisteError } from "#libs/core/errors.ts";
import type { StageContext } from "./pipeline.ts";

class StageTimeout extends Error {
  override readonly name = "StageTimeout";
}

/** Runs `work` within `budgetMs`: rejects with StageTimeout then, and its signal tells the work to stop. */
export async function within<T>(budgetMs: number, caller: AbortSignal, work: (context: StageContext) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let cleanUp = (): void => undefined;
  const given = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(new StageTimeout("deadline_exceeded")), Math.max(0, budgetMs));
    const left = (): void => reject(caller.reason);
    caller.addEventListener("abort", left, { once: true });
    cleanUp = () => {
      clearTimeout(timer);
      caller.removeEventListener("abort", left);
    };
  });
  try {
    caller.throwIfAborted();
    return await Promise.race([work({ signal: stop.signal, budgetMs }), given]);
  } catch (cause) {
    stop.abort(cause);
    throw cause;
  } finally {
    cleanUp();
  }
}

export interface Failure {
  readonly outcome: "late" | "failed";
  readonly reason: string;
}

/** A failure that a fallback may answer. The caller's leaving and broken invariants of ours are thrown on. */
export function failureOf(cause: unknown, caller: AbortSignal): Failure {
  if (caller.aborted) throw toModisteError(cause);
  if (cause instanceof StageTimeout) return { outcome: "late", reason: "deadline_exceeded" };
  const error = toModisteError(cause);
  if (error.reason === "invariant_broken") throw error;
  return error.code === "deadline_exceeded" || error.code === "cancelled"
    ? { outcome: "late", reason: "deadline_exceeded" }
    : { outcome: "failed", reason: error.code };
}
