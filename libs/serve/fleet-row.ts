/** One row of the table of the fleet (`services/fleet.ts`): everything that others must know of a service. */

import { ModisteError } from "#libs/core/errors.ts";
import type { ServiceModule } from "./service.ts";

export interface FleetRow {
  /** Lower case, letters, digits and hyphens: folder, label, span, variable. */
  readonly name: string;
  readonly kind: "source" | "ranker" | "profile" | "gateway";
  /** gRPC port in fleet mode. See `adminPortOf` for metrics and health. */
  readonly port: number;
  /** Time that the gateway gives it, milliseconds. */
  readonly budgetMs: number;
  /** Candidates asked of a source; 0 for others. */
  readonly quota: number;
  readonly onFailure: "degrade" | "fail";
  readonly replicas: number;
  readonly resources: { readonly cpu: number; readonly memoryMiB: number };
  /** Imported only in the process that runs it. */
  readonly module: () => Promise<ServiceModule>;
}

/** HTTP of the gateway where nothing else is configured: API, page, metrics and health. */
export const gatewayHttpPort = 8080;

/** Where the admin server of a service listens that is told no other port. Of the gateway it is HTTP's. */
export function adminPortOf({ kind, port }: Pick<FleetRow, "kind" | "port">): number {
  return kind === "gateway" ? gatewayHttpPort : port + 1000;
}

/** @throws not_found naming the rows there are. */
export function rowNamed(fleet: readonly FleetRow[], name: string): FleetRow {
  const row = fleet.find((candidate) => candidate.name === name);
  if (row !== undefined) return row;
  throw new ModisteError("not_found", "unknown_service", `no service "${name}"; there are ${fleet.map((known) => known.name).join(", ")}`);
}
