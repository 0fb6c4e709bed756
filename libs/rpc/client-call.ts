/** The caller's side of every call, whichever way it goes: deadline, telemetry, circuit breaker, retry, faults, transport; in this order. */

import { type Attributes, type Context, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  type IPolicy,
  retry,
  TaskCancelledError,
  wrap,
} from "cockatiel";
import { systemClock } from "#libs/core/clock.ts";
import { codeTraits, ModisteError, toModisteError } from "#libs/core/errors.ts";
import { activeContext, runInContext } from "#libs/telemetry/active.ts";
import { failSpan, type Telemetry } from "#libs/telemetry/telemetry.ts";
import { toTraceparent, traceparentHeader } from "#libs/telemetry/trace-context.ts";
import { activeCall, CallScope, effectiveDeadline } from "./call.ts";
import { type CallOptions, completeMessage, type MethodDefinition, methodPath, type ServiceDefinition, unaryKeys } from "./definition.ts";
import type { Faults } from "./faults.ts";
import { checkMessageSize, messageBytesMax } from "./message-size.ts";
import { spanAttributes } from "./serve-call.ts";

/** A call as the transport takes it over. It rejects with ModisteErrors and gives up when `signal` aborts. */
export interface OutgoingCall {
  readonly metadata: Readonly<Record<string, string>>;
  readonly deadline: number | undefined;
  readonly signal: AbortSignal;
}

/** One way to a peer. */
export type Transport = (definition: ServiceDefinition, key: string, request: unknown, outgoing: OutgoingCall) => Promise<unknown>;

export interface Resilience {
  /** Keys of methods that may be called twice, beside those whose proto declares an idempotency level. */
  readonly idempotent?: readonly string[];
  /** Further attempts of an idempotent method. Default 1. */
  readonly retries?: number;
  /** Failures in a row (`unavailable`, `deadline_exceeded`) that open the circuit. Default 16. */
  readonly circuitFailures?: number;
  /** How long it stays open before one call may try. Default 1000. */
  readonly circuitOpenMs?: number;
}

export interface ClientParts extends Resilience {
  /** Name of the callee; label `service`. */
  readonly peer: string;
  readonly telemetry: Telemetry;
  readonly transport: Transport;
  /** Longest call when neither the options nor a surrounding call say less. */
  readonly timeoutMs: number;
  readonly key?: string | undefined;
  readonly faults?: Faults | undefined;
  readonly messageBytesMax?: number | undefined;
}

/** First pause before a second attempt; it grows and is jittered. A loopback connection recovers in less. */
const retryPauseMs = 5;

type ClientMethod = (request: unknown, options?: CallOptions) => Promise<unknown>;

/** The methods of a client by key. One circuit for all of them: it is the peer that fails. */
export function createMethods(definition: ServiceDefinition, parts: ClientParts): Readonly<Record<string, ClientMethod>> {
  const breaker = new ConsecutiveBreaker(parts.circuitFailures ?? 16);
  const circuit = circuitBreaker(handleWhen(isPeerFailure), { halfOpenAfter: parts.circuitOpenMs ?? 1000, breaker });
  const backoff = new ExponentialBackoff({ initialDelay: retryPauseMs, maxDelay: 100 });
  const retrying = wrap(retry(handleWhen(isWorthRetrying), { maxAttempts: parts.retries ?? 1, backoff }), circuit);
  const isOpen = (): boolean => circuit.state !== CircuitState.Closed;
  return Object.fromEntries(
    unaryKeys(definition).map((key) => {
      const twice = definition.methods[key]?.options.idempotencyLevel !== undefined || parts.idempotent?.includes(key) === true;
      const waits = twice ? () => true : isOpen;
      return [key, createMethod(definition, key, parts, twice ? retrying : circuit, waits)];
    }),
  );
}

/** @param waits whether the policy itself may wait, so that the caller must be able to leave it. */
function createMethod(definition: ServiceDefinition, key: string, parts: ClientParts, policy: IPolicy, waits: () => boolean): ClientMethod {
  const path = methodPath(definition, key);
  const method = definition.methods[key] as MethodDefinition;
  const timer = parts.telemetry.metrics.clientTimer(parts.peer, path);
  const attributes: Attributes = { ...spanAttributes(path), "peer.service": parts.peer };
  const authorization = parts.key === undefined ? {} : { authorization: `Bearer ${parts.key}` };
  const attempt = (
    request: unknown,
    scope: CallScope,
    deadline: number | undefined,
    metadata: Record<string, string>,
  ): Promise<unknown> => {
    const send = (): Promise<unknown> => parts.transport(definition, key, request, { metadata, deadline, signal: scope.signal });
    return scope.race(parts.faults === undefined ? send() : parts.faults.apply(parts.peer, path, scope.signal, send));
  };
  return async (partial, options = {}) => {
    const started = systemClock.monotonicMs();
    const parent = activeContext();
    const span = parts.telemetry.tracer.startSpan(path, { kind: SpanKind.CLIENT, attributes }, parent);
    const within = trace.setSpan(parent, span);
    const surrounding = activeCall(parent);
    const deadline = effectiveDeadline(options, surrounding, parts.timeoutMs);
    const scope = new CallScope(path, deadline, options.signal, surrounding?.signal);
    try {
      scope.signal.throwIfAborted();
      const request = completeMessage(method.requestType, partial);
      checkMessageSize(request, parts.messageBytesMax ?? messageBytesMax, `the request of ${path}`);
      const metadata = outgoingMetadata(options, within, authorization);
      const work = runInContext(within, () => policy.execute(() => attempt(request, scope, deadline, metadata), scope.signal));
      const answer = await (waits() ? scope.raceLate(work) : work);
      timer.observe("ok", (systemClock.monotonicMs() - started) / 1000);
      endWell(span);
      return answer;
    } catch (thrown) {
      const error = callError(thrown, parts.peer, scope.signal);
      timer.observe(error.code, (systemClock.monotonicMs() - started) / 1000);
      failSpan(span, error);
      throw error;
    } finally {
      scope.close();
    }
  };
}

function outgoingMetadata(options: CallOptions, within: Context, authorization: Record<string, string>): Record<string, string> {
  const traceparent = toTraceparent(within);
  const own = { ...authorization, ...options.metadata };
  return traceparent === undefined ? own : { ...own, [traceparentHeader]: traceparent };
}

function endWell(span: Span): void {
  span.setStatus({ code: SpanStatusCode.OK });
  span.end();
}

function callError(thrown: unknown, peer: string, signal: AbortSignal): ModisteError {
  if (thrown instanceof BrokenCircuitError) {
    return new ModisteError("unavailable", "circuit_open", `${peer} failed too often and is left alone for a moment`);
  }
  if (thrown instanceof TaskCancelledError && signal.reason instanceof ModisteError) return signal.reason;
  return toModisteError(thrown);
}

/** What says that the peer, not the request, is at fault. */
function isPeerFailure(error: Error): boolean {
  return error instanceof ModisteError && (error.code === "unavailable" || error.code === "deadline_exceeded");
}

/** Not `resource_exhausted`: a second attempt at a peer that has too much would give it more. */
function isWorthRetrying(error: Error): boolean {
  return error instanceof ModisteError && codeTraits[error.code].retryable && error.code !== "resource_exhausted";
}
