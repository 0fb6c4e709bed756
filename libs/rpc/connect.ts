/** Clients by configuration alone: the target says whether a call stays in the process or crosses a network. */

import { invalid } from "#libs/core/errors.ts";
import type { Telemetry } from "#libs/telemetry/telemetry.ts";
import { createMethods, type Resilience, type Transport } from "./client-call.ts";
import type { Client, ServiceDefinition } from "./definition.ts";
import type { Faults } from "./faults.ts";
import { type GrpcTransport, openGrpcTransport } from "./grpc-client.ts";
import type { LocalRouter } from "./local.ts";

export interface ConnectorOptions {
  /** The caller's. */
  readonly telemetry: Telemetry;
  /** Where `local:` targets are looked up; without one they are refused. */
  readonly router?: LocalRouter;
  /** Bearer key sent with every call. */
  readonly key?: string | undefined;
  readonly faults?: Faults;
  /** Longest call when nothing else limits it. Default 10 s. */
  readonly timeoutMs?: number;
}

export interface ConnectOptions extends Resilience {
  /** Name of the callee in metrics and traces; by default what the target names. */
  readonly peer?: string;
  readonly timeoutMs?: number;
  readonly messageBytesMax?: number;
}

export interface Connector {
  /**
   * `target`: "local:itemcf" (a service of this process), "dns:///itemcf:50051", or "static:10.0.0.1:50051,10.0.0.2:50051" (addresses).
   * Nothing is dialled before the first call. @throws invalid_argument for any other target.
   */
  connect<const D extends ServiceDefinition>(definition: D, target: string, options?: ConnectOptions): Client<D>;
  close(): void;
}

export function createConnector(options: ConnectorOptions): Connector {
  const channels = new Map<string, GrpcTransport>();
  const transportTo = (target: string): Transport => {
    if (target.startsWith("local:")) return localTransport(target, options.router);
    const known = channels.get(target) ?? openGrpcTransport(grpcTarget(target));
    channels.set(target, known);
    return known.transport;
  };
  return {
    connect<const D extends ServiceDefinition>(definition: D, target: string, own: ConnectOptions = {}): Client<D> {
      const methods = createMethods(definition, {
        ...own,
        peer: own.peer ?? peerName(target),
        telemetry: options.telemetry,
        transport: transportTo(target),
        timeoutMs: own.timeoutMs ?? options.timeoutMs ?? 10_000,
        key: options.key,
        faults: options.faults,
      });
      return methods as Client<D>;
    },
    close() {
      for (const channel of channels.values()) channel.close();
      channels.clear();
    },
  };
}

/** Whether a target has one of the forms that `connect` takes. */
export function isTarget(target: string): boolean {
  return /^local:[\w-]*$/.test(target) || /^dns:\/\/\/[\w.-]+:\d+$/.test(target) || /^static:[\d.]+:\d+(,[\d.]+:\d+)*$/.test(target);
}

function grpcTarget(target: string): string {
  if (!isTarget(target)) throw invalid("target", `"${target}" is not local:<name>, dns:///<host>:<port> or static:<ip>:<port>,...`);
  return target.startsWith("static:") ? `ipv4:${target.slice("static:".length)}` : target;
}

function localTransport(target: string, router: LocalRouter | undefined): Transport {
  if (router === undefined) throw invalid("target", `"${target}" is local, but no services run in this process`);
  return router.transport(target.slice("local:".length));
}

/** Bounded: a target is configuration. */
function peerName(target: string): string {
  return target.replace(/^(local:|dns:\/\/\/|static:)/, "").split(":")[0] ?? target;
}
