/** A call under way: its deadline, its cancellation, and how calls made inside of it inherit both. */

import { type Context, createContextKey } from "@opentelemetry/api";
import { systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import { activeContext } from "#libs/telemetry/active.ts";
import type { CallOptions } from "./definition.ts";

/** What a handler learns of the call that it answers. Calls that it makes inherit `signal` and `deadline` without being told. */
export interface CallContext {
  /** Such as "modiste.v1.Ranker/Rank". */
  readonly method: string;
  /** Aborts when the caller leaves or the deadline passes; `signal.reason` is then a ModisteError. */
  readonly signal: AbortSignal;
  /** Milliseconds since 1970 UTC by the clock of this machine; undefined: the caller waits for ever. */
  readonly deadline: number | undefined;
  /** Milliseconds left, never negative; Infinity without a deadline. */
  remainingMs(): number;
  /** Values under lower-case names. */
  readonly metadata: ReadonlyMap<string, string>;
}

const callKey = createContextKey("modiste.call");

export function nowMs(): number {
  return systemClock.nowSeconds() * 1000;
}

export function createCallContext(
  method: string,
  signal: AbortSignal,
  deadline: number | undefined,
  metadata: ReadonlyMap<string, string>,
): CallContext {
  const remainingMs = (): number => (deadline === undefined ? Number.POSITIVE_INFINITY : Math.max(0, deadline - nowMs()));
  return { method, signal, deadline, remainingMs, metadata };
}

export function withCall(within: Context, call: CallContext): Context {
  return within.setValue(callKey, call);
}

/** Detaches what follows from the call that started it: its deadline and cancellation no longer apply, its trace still does. */
export function withoutCall(within: Context): Context {
  return within.deleteValue(callKey);
}

/** The call that the running code answers; undefined outside of any. */
export function activeCall(within: Context = activeContext()): CallContext | undefined {
  return within.getValue(callKey) as CallContext | undefined;
}

/** The sooner of what the options, the connection and the surrounding call allow. */
export function effectiveDeadline(options: CallOptions, parent: CallContext | undefined, timeoutMsMax: number): number | undefined {
  const timeoutMs = Math.min(options.timeoutMs ?? Number.POSITIVE_INFINITY, timeoutMsMax);
  const fromTimeout = timeoutMs === Number.POSITIVE_INFINITY ? timeoutMs : nowMs() + timeoutMs;
  const deadline = Math.min(fromTimeout, options.deadline ?? Number.POSITIVE_INFINITY, parent?.deadline ?? Number.POSITIVE_INFINITY);
  return deadline === Number.POSITIVE_INFINITY ? undefined : deadline;
}

export function deadlineExceeded(method: string): ModisteError {
  return new ModisteError("deadline_exceeded", "deadline_exceeded", `${method} did not answer before its deadline`);
}

export function cancelled(method: string): ModisteError {
  return new ModisteError("cancelled", "cancelled", `the caller of ${method} left`);
}

/** Longest delay of a Node timer; a later deadline needs none. */
const timerMsMax = 2_147_483_647;

/**
 * One controller that aborts at the deadline or with any of the given signals. Written out because `AbortSignal.any` of Node 20 keeps its
 * sources alive. `close` when the call is over, or long-lived signals gather listeners.
 */
export class CallScope {
  private readonly controller = new AbortController();
  private readonly method: string;
  private readonly sources: AbortSignal[] = [];
  private readonly onSourceAbort: (event: Event) => void;
  private timer: NodeJS.Timeout | undefined;
  private readonly onAbort: ((error: ModisteError) => void)[] = [];

  constructor(method: string, deadline: number | undefined, ...sources: readonly (AbortSignal | undefined)[]) {
    this.method = method;
    this.onSourceAbort = (event) => this.abort(abortReason(event.target as AbortSignal, method));
    if (deadline !== undefined) this.armDeadline(deadline - nowMs());
    for (const source of sources) if (source !== undefined) this.follow(source);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Settles as `work` does, or rejects at once when the scope is aborted: who hangs is left behind. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.signal.aborted) reject(this.signal.reason);
      this.onAbort.push(reject);
      work.then(resolve, reject);
    });
  }

  /** The same, a turn of the event loop later: around a policy that counts the failures of the race within. */
  raceLate<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.onAbort.push((error) => setImmediate(reject, error));
      work.then(resolve, reject);
    });
  }

  abort(reason: ModisteError): void {
    if (this.signal.aborted) return;
    this.controller.abort(reason);
    for (const reject of this.onAbort) reject(reason);
    this.close();
  }

  close(): void {
    clearTimeout(this.timer);
    for (const source of this.sources) source.removeEventListener("abort", this.onSourceAbort);
    this.sources.length = 0;
  }

  private armDeadline(remainingMs: number): void {
    if (remainingMs <= 0) this.abort(deadlineExceeded(this.method));
    else if (remainingMs < timerMsMax) this.timer = setTimeout(() => this.abort(deadlineExceeded(this.method)), Math.ceil(remainingMs));
  }

  private follow(source: AbortSignal): void {
    if (source.aborted) this.abort(abortReason(source, this.method));
    if (this.signal.aborted) return;
    source.addEventListener("abort", this.onSourceAbort);
    this.sources.push(source);
  }
}

/** A deadline above us is our deadline too; whatever else ends a call is the caller's leaving. */
function abortReason(source: AbortSignal, method: string): ModisteError {
  const reason: unknown = source.reason;
  const late =
    (reason instanceof ModisteError && reason.code === "deadline_exceeded") || (reason as Error | undefined)?.name === "TimeoutError";
  return late ? deadlineExceeded(method) : cancelled(method);
}
