/** What a service is to the process that runs it. */

import type { ConfigOf, ConfigSchema } from "#libs/config/schema.ts";
import type { Clock } from "#libs/core/clock.ts";
import type { ConnectOptions } from "#libs/rpc/connect.ts";
import type { Binding, Client, ServiceDefinition } from "#libs/rpc/definition.ts";
import type { Logger } from "#libs/telemetry/log.ts";
import type { Telemetry } from "#libs/telemetry/telemetry.ts";
import type { FleetRow } from "./fleet-row.ts";
import type { SharedResources } from "./shared.ts";

export interface ServiceModule<S extends ConfigSchema = ConfigSchema> {
  /** Settings of its own, beside those that every service has (`settings.ts`). */
  readonly config?: S;
  /** Loads and opens what it needs. What it opened before it throws must be registered with `onClose` or `shared`. */
  start(context: ServiceContext<ConfigOf<S>>): Promise<RunningService>;
}

export interface ServiceContext<Config = Readonly<Record<string, unknown>>> {
  readonly name: string;
  readonly row: FleetRow;
  readonly fleet: readonly FleetRow[];
  readonly config: Config;
  /**
   * A client of another service of the fleet: in the same process when it runs here, else where `MODISTE_<SERVICE>_URL` says
   * (default dns:///127.0.0.1:<its port>). Calls are carried by the deadline and the trace of the call that makes them.
   */
  connect<const D extends ServiceDefinition>(definition: D, service: string, options?: ConnectOptions): Client<D>;
  readonly telemetry: Telemetry;
  readonly log: Logger;
  readonly clock: Clock;
  /** Folder of releases, stores and data sets; absolute. */
  readonly home: string;
  /** Resources that services of one process share, such as a release's tensors or an lmdb folder. */
  readonly shared: SharedResources;
  /** Why this process is not ready, null when it is: for the gateway's /readyz. */
  processReady(): string | null;
  /** Tells of what is wrong although this service answers: said with readiness. Null: nothing. Cheap, as `ready` is. */
  remarkWith(say: () => string | null): void;
  /** All that is said so in this process: for the gateway's /readyz. */
  processRemarks(): readonly string[];
  /** Whether callers of this service must name a key. */
  readonly isKeyed: boolean;
  /** Key of `hashSubject`. */
  readonly subjectHashKey: string;
  /** Registers what is closed at the end, last first, also when the start fails. */
  onClose(close: () => void | Promise<void>): void;
}

export interface RunningService {
  readonly bindings: readonly Binding[];
  /** Why it cannot answer well, for people; null when it can. Cheap: asked several times a second. */
  ready(): string | null;
  /** Ends what it listens to first. Calls under way have ended when it is called. */
  close(): Promise<void>;
  /** Called before calls are refused: stops taking work from elsewhere (HTTP, a bus) and waits for what is under way. */
  drain?(): Promise<void>;
}

/** A module whose types were checked where it was written. */
export function defineService<const S extends ConfigSchema>(module: ServiceModule<S>): ServiceModule {
  return module as unknown as ServiceModule;
}
