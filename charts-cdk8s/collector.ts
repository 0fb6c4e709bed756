/** OpenTelemetry collector: takes the spans of all services and counts them by name, so that they show beside the other figures. */

import type { Chart } from "cdk8s";
import { stringify } from "yaml";
import { checkImage, images } from "./image.ts";
import { small } from "./pod.ts";
import { ports } from "./ports.ts";
import { addStateless } from "./stateless.ts";

const healthPort = 13_133;

const config = {
  extensions: { health_check: { endpoint: `0.0.0.0:${healthPort}` } },
  receivers: { otlp: { protocols: { http: { endpoint: `0.0.0.0:${ports.otlp}` } } } },
  processors: {
    memory_limiter: { check_interval: "1s", limit_percentage: 80, spike_limit_percentage: 20 },
    batch: {},
  },
  connectors: {
    spanmetrics: {
      histogram: { explicit: { buckets: ["1ms", "2ms", "4ms", "8ms", "15ms", "25ms", "50ms", "100ms", "150ms", "250ms", "500ms", "1s"] } },
    },
  },
  exporters: {
    // A store of traces goes here; until there is one, how many came and went is said on the log.
    debug: { verbosity: "basic" },
    prometheus: { endpoint: `0.0.0.0:${ports.collectorMetrics}` },
  },
  service: {
    extensions: ["health_check"],
    pipelines: {
      traces: { receivers: ["otlp"], processors: ["memory_limiter", "batch"], exporters: ["spanmetrics", "debug"] },
      metrics: { receivers: ["spanmetrics"], exporters: ["prometheus"] },
    },
  },
};

export function addCollector(chart: Chart): void {
  addStateless(chart, {
    part: { name: "collector", component: "telemetry" },
    image: checkImage(images.collector),
    args: ["--config=/config/collector.yaml"],
    ports: { otlp: ports.otlp, metrics: ports.collectorMetrics, health: healthPort },
    health: { port: "health", live: "/", ready: "/" },
    files: { "collector.yaml": stringify(config) },
    resources: small(256),
    dataSize: "16Mi",
  });
}
