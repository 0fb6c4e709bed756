/** Ports that are no row's own. */

import type { FleetRow } from "#libs/serve/fleet-row.ts";

export const ports = { kafka: 9092, redis: 6379, otlp: 4318, collectorMetrics: 8889, prometheus: 9090, grafana: 3000 } as const;

/** HTTP of the gateway: API, page, metrics and health. */
export const gatewayHttpPort = 8080;

/** Where a service answers /metrics: the gateway on its HTTP, others 1000 above their gRPC. */
export function metricsPort({ kind, port }: Pick<FleetRow, "kind" | "port">): number {
  return kind === "gateway" ? gatewayHttpPort : port + 1000;
}
