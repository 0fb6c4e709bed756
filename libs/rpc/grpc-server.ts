/** The gRPC server: the same served methods as on the local path, behind grpc-js. */

import {
  type ServiceDefinition as GrpcServiceDefinition,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { ModisteError } from "#libs/core/errors.ts";
import { addClientStreams } from "./client-stream.ts";
import type { Binding } from "./definition.ts";
import { decoder, encoder } from "./grpc-client.ts";
import { incomingCall, toStatus } from "./grpc-incoming.ts";
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
  /** Connections older than this, more or less a tenth, are closed gently, so that clients look for new replicas. Default 20 s. */
  readonly connectionAgeMs?: number;
}

export interface GrpcServer {
  readonly port: number;
  /** Refuses new calls, waits for those at work up to `limitMs`, then cuts them off. */
  close(limitMs: number): Promise<void>;
}

/** @throws failed_precondition with reason "address_in_use" naming the port. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const bytesMax = options.messageBytesMax ?? messageBytesMax;
  const server = new Server({
    "grpc.max_receive_message_length": bytesMax,
    "grpc.max_send_message_length": bytesMax,
    "grpc.max_connection_age_ms": options.connectionAgeMs ?? 20_000,
    "grpc.max_connection_age_grace_ms": 10_000,
    "grpc.keepalive_time_ms": 60_000,
  });
  const bindings = [...options.bindings, healthBinding(options.health)];
  const served = serveBindings(bindings, options);
  for (const [fullName, methods] of served) addService(server, fullName, methods);
  for (const binding of bindings) addClientStreams(server, binding, served.get(binding.definition.fullName) ?? new Map());
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
    method.call(call.request, incomingCall(call, method.path)).then(
      (answer) => callback(null, answer),
      (error: unknown) => callback(toStatus(error)),
    );
  };
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
