/** Prometheus: finds pods by the headless names, so that it needs no token for the API server. */

import type { Chart } from "cdk8s";
import { stringify } from "yaml";
import { adminPortOf, type FleetRow } from "#libs/serve/fleet-row.ts";
import { alertRules } from "./alerts.ts";
import { checkImage, images } from "./image.ts";
import { small } from "./pod.ts";
import { ports } from "./ports.ts";
import { podsService } from "./service.ts";
import { addStateless } from "./stateless.ts";

/** Every ready pod of a row, asked of DNS. */
const scrape = (row: FleetRow): object => ({
  job_name: row.name,
  dns_sd_configs: [{ names: [podsService(row)], type: "A", port: adminPortOf(row), refresh_interval: "10s" }],
});

const configOf = (fleet: readonly FleetRow[]): object => ({
  global: { scrape_interval: "10s", scrape_timeout: "5s", evaluation_interval: "10s" },
  rule_files: ["/config/alerts.yaml"],
  scrape_configs: [...fleet.map(scrape), { job_name: "spans", static_configs: [{ targets: [`collector:${ports.collectorMetrics}`] }] }],
});

export function addPrometheus(chart: Chart, fleet: readonly FleetRow[]): void {
  addStateless(chart, {
    part: { name: "prometheus", component: "telemetry" },
    image: checkImage(images.prometheus),
    args: ["--config.file=/config/prometheus.yaml", "--storage.tsdb.path=/data", "--storage.tsdb.retention.time=2d"],
    ports: { http: ports.prometheus },
    health: { port: "http", live: "/-/healthy", ready: "/-/ready" },
    files: { "prometheus.yaml": stringify(configOf(fleet), { lineWidth: 0 }), "alerts.yaml": stringify(alertRules, { lineWidth: 0 }) },
    resources: small(512),
    dataSize: "2Gi",
  });
}
