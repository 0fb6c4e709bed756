/** Every service of the table, the same panels for each. */

import type { FleetRow } from "#libs/serve/fleet-row.ts";
import { type Dashboard, quantiles, type Section } from "./panel.ts";

const duration = "modiste_rpc_server_duration_seconds";

function section({ name, kind }: FleetRow): Section {
  const matcher = `service="${name}"`;
  const job = `job="${name}"`;
  return {
    title: `${name} (${kind})`,
    panels: [
      {
        title: "Calls",
        description: "answered, by code",
        unit: "reqps",
        stacked: true,
        queries: [{ expr: `sum by (code) (rate(${duration}_count{${matcher}}[$__rate_interval]))`, legend: "{{code}}" }],
      },
      { title: "Time of a call", description: "by method", unit: "s", queries: quantiles(duration, matcher, "method") },
      {
        title: "Dropped calls",
        description: "overflow: too many at once; expired: nobody waits for the answer any more",
        unit: "reqps",
        queries: [{ expr: `sum by (why) (rate(modiste_rpc_dropped_total{${matcher}}[$__rate_interval]))`, legend: "{{why}}" }],
      },
      {
        title: "CPU",
        description: "cores, by pod",
        unit: "short",
        queries: [{ expr: `rate(process_cpu_seconds_total{${job}}[$__rate_interval])`, legend: "{{instance}}" }],
      },
      {
        title: "Memory",
        description: "resident, by pod",
        unit: "bytes",
        queries: [{ expr: `process_resident_memory_bytes{${job}}`, legend: "{{instance}}" }],
      },
      {
        title: "Event loop",
        description: "99th percentile of its lag, by pod: nothing may hold it for long",
        unit: "s",
        queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${job}}`, legend: "{{instance}}" }],
      },
    ],
  };
}

const devices: Section = {
  title: "Devices of the ranker",
  panels: [
    {
      title: "Who answers",
      description: "the share of the CPU, where a card is asked first",
      unit: "reqps",
      stacked: true,
      queries: [
        { expr: "sum by (device, by) (rate(modiste_ranking_device_answers_total[$__rate_interval]))", legend: "{{device}}: {{by}}" },
      ],
    },
    {
      title: "Why not the device",
      description: "runs that it did not answer",
      unit: "reqps",
      queries: [
        { expr: "sum by (device, why) (rate(modiste_ranking_device_misses_total[$__rate_interval]))", legend: "{{device}}: {{why}}" },
      ],
    },
    {
      title: "Scores that are not finite",
      description: "any is a broken ranker",
      unit: "short",
      queries: [{ expr: "sum(rate(modiste_ranking_nonfinite_scores_total[$__rate_interval]))", legend: "" }],
    },
  ],
};

export const servicesDashboard = (fleet: readonly FleetRow[]): Dashboard => ({
  uid: "modiste-services",
  title: "modiste: services",
  sections: [...fleet.map(section), devices],
});
