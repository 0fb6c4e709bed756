/** Servers and clients for the contract of the seam, over either transport. */

import type { Writable } from "node:stream";
import { PassThrough } from "node:stream";
import { type ConnectOptions, type ConnectorOptions, createConnector } from "#libs/rpc/connect.ts";
import type { Binding, Client, ServiceDefinition } from "#libs/rpc/definition.ts";
import { startGrpcServer } from "#libs/rpc/grpc-server.ts";
import { createHealth, type Health, healthBinding } from "#libs/rpc/health.ts";
import { createLocalRouter } from "#libs/rpc/local.ts";
import type { ServerOptions } from "#libs/rpc/serve-call.ts";
import { createLogger } from "#libs/telemetry/log.ts";
import { type ProcessTelemetry, startTelemetry } from "#libs/telemetry/telemetry.ts";

export interface PeerOptions {
  readonly name?: string;
  readonly server?: Partial<ServerOptions>;
  readonly connector?: Partial<ConnectorOptions>;
}

export interface Peer {
  readonly health: Health;
  /** Target of the peer for a connector of the harness. */
  readonly target: string;
  connect<const D extends ServiceDefinition>(definition: D, options?: ConnectOptions): Client<D>;
  /** Full names that the peer serves, as its transport lists them. */
  services(): Promise<readonly string[]>;
}

export interface RpcHarness {
  readonly telemetry: ProcessTelemetry;
  /** Log lines of servers, parsed, oldest first. */
  readonly logged: readonly Record<string, unknown>[];
  serve(bindings: readonly Binding[], options?: PeerOptions): Promise<Peer>;
  close(): Promise<void>;
}

/** How a transport puts a peer up: its target, how it lists services, and how it ends. */
type Open = (name: string, bindings: readonly Binding[], options: ServerOptions, health: Health) => Promise<OpenedPeer>;
interface OpenedPeer {
  readonly target: string;
  services(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function openLocalHarness(): Promise<RpcHarness> {
  const router = createLocalRouter();
  const open: Open = async (name, bindings, options, health) => {
    const remove = router.add(name, [...bindings, healthBinding(health)], options);
    return { target: `local:${name}`, services: async () => router.services(name), close: async () => void remove() };
  };
  return openHarness(open, { router });
}

/** @param listServices asks a server's reflection. */
export async function openGrpcHarness(listServices: (port: number) => Promise<readonly string[]>): Promise<RpcHarness> {
  return openHarness(async (_name, bindings, options, health) => {
    const server = await startGrpcServer({ ...options, bindings, health, host: "127.0.0.1", port: 0 });
    return { target: `dns:///127.0.0.1:${server.port}`, services: () => listServices(server.port), close: () => server.close(200) };
  }, {});
}

async function openHarness(open: Open, connectorOptions: Partial<ConnectorOptions>): Promise<RpcHarness> {
  const telemetry = await startTelemetry({ version: "0", recentTraces: 100 });
  const logged: Record<string, unknown>[] = [];
  const sink = lineSink((line) => logged.push(JSON.parse(line) as Record<string, unknown>));
  const closers: (() => void | Promise<void>)[] = [() => telemetry.close()];
  return {
    telemetry,
    logged,
    async serve(bindings, { name = "callee", server = {}, connector: own = {} } = {}) {
      const health = createHealth(bindings.map((binding) => binding.definition.fullName));
      health.set(true);
      const log = createLogger({ service: name, level: "debug", destination: sink });
      const peer = await open(name, bindings, { name, telemetry: telemetry.service(name), log, ...server }, health);
      const connector = createConnector({ telemetry: telemetry.service("caller"), ...connectorOptions, ...own });
      closers.push(() => peer.close());
      closers.push(() => connector.close());
      return {
        health,
        target: peer.target,
        services: () => peer.services(),
        connect: (definition, options = {}) => connector.connect(definition, peer.target, { peer: name, ...options }),
      };
    },
    async close() {
      for (const close of closers.toReversed()) await close();
    },
  };
}

function lineSink(onLine: (line: string) => void): Writable {
  const stream = new PassThrough();
  stream.on("data", (chunk: Buffer) => {
    for (const line of chunk.toString().split("\n")) if (line !== "") onLine(line);
  });
  return stream;
}

/** A promise and what settles it, for tests that wait for events instead of time. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
}

export function defer<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Resolves with the signal's reason when it aborts. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });
}
