/** How a process is reached: local names, gRPC, and the admin server. */

import { startGrpcServer } from "#libs/rpc/grpc-server.ts";
import { type Health, healthBinding } from "#libs/rpc/health.ts";
import { startAdminServer } from "./admin.ts";
import { adminPortOf, type FleetRow } from "./fleet-row.ts";
import { type ProcessParts, remarksOf, serverOptions, whyNotReady } from "./process-parts.ts";
import type { RunningService } from "./service.ts";

/** Serves all services by name inside the process; the gateway's, or the only one's, over gRPC too. Answers the ports. */
export async function openRpc(parts: ProcessParts, health: Health): Promise<ReadonlyMap<string, number>> {
  for (const row of parts.rows) {
    parts.router.add(row.name, [...runningOf(parts, row).bindings, healthBinding(health)], serverOptions(parts, row));
  }
  const ports = new Map<string, number>();
  const outward = parts.rows.length === 1 ? parts.rows : parts.rows.filter((row) => row.kind === "gateway");
  for (const row of outward) {
    const { rpcHost: host, connectionAgeMs } = parts.settings.service(row.name);
    const { bindings } = runningOf(parts, row);
    const port = parts.settings.port(row);
    const server = await startGrpcServer({ ...serverOptions(parts, row), bindings, health, host, port, connectionAgeMs });
    parts.closers.push(() => server.close(parts.settings.process.drainLimitMs));
    ports.set(row.name, server.port);
  }
  return ports;
}

/** The gateway answers metrics and health on its own HTTP server. */
export async function openAdmin(parts: ProcessParts): Promise<number | undefined> {
  const [row, ...others] = parts.rows;
  if (row === undefined || others.length > 0 || row.kind === "gateway") return undefined;
  const { rpcHost, adminPort } = parts.settings.service(row.name);
  const server = await startAdminServer(rpcHost, adminPort ?? adminPortOf({ ...row, port: parts.settings.port(row) }), {
    metrics: parts.telemetry.metrics,
    ready: () => whyNotReady(parts),
    remarks: () => remarksOf(parts),
  });
  parts.closers.push(() => server.close());
  return server.port;
}

function runningOf(parts: ProcessParts, row: FleetRow): RunningService {
  return parts.running.get(row.name) as RunningService;
}
