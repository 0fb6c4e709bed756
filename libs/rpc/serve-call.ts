/** The server's side of every call, whichever way it came: telemetry, authentication, bulkhead, faults, handler, errors; in this order. */

import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { type BulkheadPolicy, BulkheadRejectedError, bulkhead, TaskCancelledError } from "cockatiel";
import { systemClock } from "#libs/core/clock.ts";
import { codeTraits, ModisteError } from "#libs/core/errors.ts";
import { activeContext, runInContext } from "#libs/telemetry/active.ts";
import type { Logger } from "#libs/telemetry/log.ts";
import { failSpan, type Telemetry } from "#libs/telemetry/telemetry.ts";
import { fromTraceparent, traceparentHeader } from "#libs/telemetry/trace-context.ts";
import { type Authenticate, createAuthentication } from "./auth.ts";
import { type CallContext, createCallContext, deadlineExceeded, withCall, withoutCall } from "./call.ts";
import { type Binding, completeMessage, type Handler, type MessageType, methodPath } from "./definition.ts";
import { cameFromPeer, handlerError, sealError } from "./errors.ts";
import { Faults } from "./faults.ts";
import { checkMessageSize, messageBytesMax } from "./message-size.ts";

export interface ServerOptions {
  /** Row of the fleet; label `service`. */
  readonly name: string;
  readonly telemetry: Telemetry;
  readonly log: Logger;
  /** Bearer keys that are accepted; none: everybody. Health answers without. */
  readonly keys?: readonly string[];
  /** Calls at work at once, and waiting. Default 64 and 256. */
  readonly concurrency?: number;
  readonly queue?: number;
  readonly faults?: Faults;
  /** Largest request and answer. Default 4 MiB. */
  readonly messageBytesMax?: number;
}

/** A call as its transport hands it over. */
export interface IncomingCall {
  readonly metadata: ReadonlyMap<string, string>;
  /** Milliseconds since 1970 UTC. */
  readonly deadline: number | undefined;
  readonly signal: AbortSignal;
}

/** A method behind its middleware: every rejection is a ModisteError without a cause, fit to be sent. */
export interface ServedMethod {
  readonly path: string;
  readonly requestType: MessageType;
  readonly responseType: MessageType;
  call(request: unknown, incoming: IncomingCall): Promise<unknown>;
}

/** What all methods of one server share. */
interface ServerParts {
  readonly options: ServerOptions;
  readonly authenticate: Authenticate;
  readonly slots: BulkheadPolicy;
  readonly faults: Faults;
  readonly bytesMax: number;
}

/** Puts the middleware around every method of the bindings, by definition and key. One bulkhead for all of them but health. */
export function serveBindings(
  bindings: readonly Binding[],
  options: ServerOptions,
): ReadonlyMap<string, ReadonlyMap<string, ServedMethod>> {
  const parts: ServerParts = {
    options,
    authenticate: createAuthentication(options.keys ?? []),
    slots: bulkhead(options.concurrency ?? 64, options.queue ?? 256),
    faults: options.faults ?? new Faults(),
    bytesMax: options.messageBytesMax ?? messageBytesMax,
  };
  const openParts = { ...parts, authenticate: createAuthentication([]), slots: bulkhead(64, 256) };
  return new Map(
    bindings.map((binding) => [
      binding.definition.fullName,
      serveBinding(binding, binding.definition.fullName.startsWith("grpc.health.") ? openParts : parts),
    ]),
  );
}

function serveBinding({ definition, handlers }: Binding, parts: ServerParts): ReadonlyMap<string, ServedMethod> {
  const served = new Map<string, ServedMethod>();
  for (const [key, handler] of handlers) {
    const method = definition.methods[key];
    if (method !== undefined) served.set(key, serveMethod(methodPath(definition, key), method, handler, parts));
  }
  return served;
}

function serveMethod(
  path: string,
  { requestType, responseType }: { requestType: MessageType; responseType: MessageType },
  handler: Handler,
  parts: ServerParts,
): ServedMethod {
  const { options } = parts;
  const { tracer, metrics } = options.telemetry;
  const timer = metrics.serverTimer(options.name, path);
  const spanOptions = { kind: SpanKind.SERVER, attributes: spanAttributes(path) };
  return {
    path,
    requestType,
    responseType,
    async call(request, incoming) {
      const started = systemClock.monotonicMs();
      const parent = fromTraceparent(withoutCall(activeContext()), incoming.metadata.get(traceparentHeader));
      const span = tracer.startSpan(path, spanOptions, parent);
      const call = createCallContext(path, incoming.signal, incoming.deadline, incoming.metadata);
      const within = withCall(trace.setSpan(parent, span), call);
      try {
        parts.authenticate(incoming.metadata.get("authorization"));
        const answer = await admit(parts, path, call, () =>
          runInContext(within, () => parts.faults.apply(options.name, path, incoming.signal, () => handler(request, call))),
        );
        const message = completeMessage(responseType, answer);
        checkMessageSize(message, parts.bytesMax, `the answer of ${path}`);
        timer.observe("ok", (systemClock.monotonicMs() - started) / 1000);
        span.setStatus({ code: SpanStatusCode.OK });
        span.end();
        return message;
      } catch (thrown) {
        const error = handlerError(thrown, incoming.signal);
        timer.observe(error.code, (systemClock.monotonicMs() - started) / 1000);
        runInContext(within, () => logFailure(options.log, path, error));
        failSpan(span, error);
        throw sealError(error);
      }
    },
  };
}

/** Waits for a slot. What overflows the queue is refused; what expired while it waited is dropped. Both are counted. */
async function admit(parts: ServerParts, path: string, call: CallContext, work: () => Promise<unknown>): Promise<unknown> {
  const { name, telemetry } = parts.options;
  const start = (): Promise<unknown> => {
    if (call.remainingMs() <= 0) throw new TaskCancelledError();
    return work();
  };
  try {
    return await parts.slots.execute(start, call.signal);
  } catch (error) {
    if (error instanceof BulkheadRejectedError) {
      telemetry.metrics.dropped(name, "overflow");
      throw new ModisteError("resource_exhausted", "overloaded", `${name} has too many calls of ${path} waiting`);
    }
    if (!(error instanceof TaskCancelledError)) throw error;
    telemetry.metrics.dropped(name, "expired");
    throw call.signal.reason instanceof ModisteError ? call.signal.reason : deadlineExceeded(path);
  }
}

/** Once a failure: where it arose. What a peer already logged is told at debug. */
function logFailure(log: Logger, method: string, error: ModisteError): void {
  const level = cameFromPeer(error) ? "debug" : codeTraits[error.code].level;
  const fields = { method, code: error.code, reason: error.reason, field: error.field };
  log[level](error.cause === undefined ? fields : { ...fields, err: error.cause }, error.message);
}

/** Names of the semantic conventions for RPC. */
export function spanAttributes(path: string): Record<string, string> {
  const [service = "", method = ""] = path.split("/");
  return { "rpc.system": "grpc", "rpc.service": service, "rpc.method": method };
}
