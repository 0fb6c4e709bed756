/** The gRPC server: the same served methods as on the local path, behind grpc-js. */

import {
  type ServiceDefinition as GrpcServiceDefinition,
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { codeTraits, ModisteError, toModisteError } from "#libs/core/errors.ts";
import { cancelled, deadlineExceeded, nowMs } from "./call.ts";
import type { Binding } from "./definition.ts";
import { fieldHeader, headerValue, reasonHeader } from "./errors.ts";
import { decoder, encoder } from "./grpc-client.ts";
import { addHealthWatch, type Health, healthBinding } from "./health.ts";
import { messageBytesMax } from "./message-size.ts";
import { addReflection } from "./reflection.ts";
import { type ServedMethod, type ServerOptions, serveBindings } from "./serve-call.ts";

export interface GrpcServerOptions extends ServerOptions {
  readonly bindings: readonly Binding[];
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly health: Health;
  /** Connections older than this are closed gently, so that clients find new replicas. Default 5 minutes. */
  readonly connectionAgeMs?: number;
}

export interface GrpcServer {
  readonly port: number;
  /** Refuses new calls, waits for those at work up to `limitMs`, then cuts them off. */
  close(limitMs: number): Promise<void>;
}

/** A caller that leaves this shortly before its deadline as we count it left because of it: our clock started when the call arrived. */
const lateSlackMs = 25;

/** @throws failed_precondition with reason "address_in_use" naming the port. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const bytesMax = options.messageBytesMax ?? messageBytesMax;
  const server = new Server({
    "grpc.max_receive_message_length": bytesMax,
    "grpc.max_send_message_length": bytesMax,
    "grpc.max_connection_age_ms": options.connectionAgeMs ?? 300_000,
    "grpc.max_connection_age_grace_ms": 10_000,
    "grpc.keepalive_time_ms": 60_000,
  });
  const bindings = [...options.bindings, healthBinding(options.health)];
  for (const [fullName, methods] of serveBindings(bindings, options)) addService(server, fullName, methods);
  addHealthWatch(server, options.health);
  addReflection(
    server,
    bindings.map((binding) => binding.definition.fullName),
  );
  const port = await listen(server, options.host, options.port);
  return { port, close: (limitMs) => drain(server, limitMs) };
}

function addService(server: Server, fullName: string, methods: ReadonlyMap<string, ServedMethod>): void {
  const definition: Record<string, GrpcServiceDefinition[string]> = {};
  const handlers: UntypedServiceImplementation = {};
  for (const [key, method] of methods) {
    definition[key] = {
      path: `/${method.path}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: encoder(method.requestType),
      requestDeserialize: decoder(method.requestType),
      responseSerialize: encoder(method.responseType),
      responseDeserialize: decoder(method.responseType),
    };
    handlers[key] = unaryHandler(method);
  }
  if (methods.size === 0) throw new ModisteError("internal", "invariant_broken", `${fullName} has no methods`);
  server.addService(definition, handlers);
}

function unaryHandler(method: ServedMethod): (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => void {
  return (call, callback) => {
    const controller = new AbortController();
    const deadline = toEpochMs(call.getDeadline());
    const leave = (): void =>
      controller.abort(
        deadline !== undefined && nowMs() >= deadline - lateSlackMs ? deadlineExceeded(method.path) : cancelled(method.path),
      );
    if (call.cancelled) leave();
    else call.once("cancelled", leave);
    const metadata = new Map(Object.entries(call.metadata.getMap()).map(([name, value]) => [name, value.toString()]));
    method.call(call.request, { metadata, deadline, signal: controller.signal }).then(
      (answer) => callback(null, answer),
      (error: unknown) => callback(toStatus(error)),
    );
  };
}

/** grpc-js answers Infinity where a call has no deadline. */
function toEpochMs(deadline: Date | number): number | undefined {
  const instant = Number(deadline);
  return Number.isFinite(instant) ? instant : undefined;
}

function toStatus(thrown: unknown): { code: number; details: string; metadata: Metadata } {
  const error = toModisteError(thrown);
  const metadata = new Metadata();
  metadata.set(reasonHeader, headerValue(error.reason));
  if (error.field !== undefined) metadata.set(fieldHeader, headerValue(error.field));
  return { code: codeTraits[error.code].grpc, details: error.detail, metadata };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(bindError(error, host, port));
    });
  });
}

/** What both gRPC and HTTP servers say when they cannot listen; entry points turn it into exit code 1. */
export function bindError(cause: unknown, host: string, port: number): ModisteError {
  const taken = /EADDRINUSE/.test(String(cause)) || (cause as NodeJS.ErrnoException).code === "EADDRINUSE";
  const reason = taken ? "address_in_use" : "address_refused";
  const what = taken ? "is in use by another process" : "cannot be listened on";
  return new ModisteError("failed_precondition", reason, `port ${port} of ${host} ${what}`, { cause, field: "port" });
}

function drain(server: Server, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.forceShutdown(), limitMs);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
