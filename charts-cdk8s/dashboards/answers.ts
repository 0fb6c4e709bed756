/** What callers get: answers by grade, where their time goes, what the sources give, how soon an event counts. */

import { type Dashboard, quantiles, type Section } from "./panel.ts";

const rate = (series: string, by: string): string => `sum by (${by}) (rate(${series}[$__rate_interval]))`;

const callers: Section = {
  title: "Answers",
  panels: [
    {
      title: "Answers by grade",
      description: "FULL is all parts; what is under it says which part is missing",
      unit: "reqps",
      stacked: true,
      queries: [{ expr: rate("modiste_answers_total", "grade"), legend: "{{grade}}" }],
    },
    {
      title: "Share that is not FULL",
      description: "by surface",
      unit: "percentunit",
      queries: [
        {
          expr: `${rate('modiste_answers_total{grade!="FULL"}', "surface")} / ${rate("modiste_answers_total", "surface")}`,
          legend: "{{surface}}",
        },
      ],
    },
    {
      title: "Time of an answer",
      description: "the gateway's calls",
      unit: "s",
      queries: quantiles("modiste_rpc_server_duration_seconds", 'service="gateway"', "method"),
    },
    {
      title: "Time of the stages",
      description: "99th percentile of each stage of the pipeline",
      unit: "s",
      queries: quantiles("modiste_pipeline_stage_seconds", "", "stage").slice(1),
    },
    {
      title: "Candidates by source",
      description: "mean of an answer; a source that falls silent serves a release without it, or none",
      unit: "short",
      queries: [
        {
          expr: `${rate("modiste_source_candidates_sum", "source")} / ${rate("modiste_source_candidates_count", "source")}`,
          legend: "{{source}}",
        },
      ],
    },
    {
      title: "Records of answers",
      description: "what was dropped is missing in reports",
      unit: "reqps",
      queries: [{ expr: rate("modiste_served_records_total", "outcome"), legend: "{{outcome}}" }],
    },
  ],
};

const nearline: Section = {
  title: "Events",
  panels: [
    {
      title: "From an event to its effect",
      description: "from accepting it at the gateway to the profile that holds it",
      unit: "s",
      queries: quantiles("modiste_event_lag_seconds", "", ""),
    },
    {
      title: "Events that wait",
      description: "by partition of the topic",
      unit: "short",
      stacked: true,
      queries: [{ expr: "sum by (partition) (modiste_event_lag_records)", legend: "{{partition}}" }],
    },
    {
      title: "Changes of the catalogue that wait",
      description: "by partition of the topic",
      unit: "short",
      stacked: true,
      queries: [{ expr: "sum by (partition) (modiste_catalog_lag_records)", legend: "{{partition}}" }],
    },
  ],
};

const releases: Section = {
  title: "Releases",
  panels: [
    {
      title: "Who serves what",
      description: "one release a part in quiet times; pods of each",
      unit: "none",
      kind: "table",
      queries: [{ expr: "sum by (part, release) (modiste_release_info)", legend: "" }],
    },
    {
      title: "Refused releases",
      description: "the release before serves on",
      unit: "short",
      queries: [{ expr: "sum by (part) (increase(modiste_release_refusals_total[$__range]))", legend: "{{part}}" }],
    },
    {
      title: "Rules",
      description: "answers to which a rule of the shop applied",
      unit: "reqps",
      queries: [{ expr: rate("modiste_rules_applied_total", "rule"), legend: "{{rule}}" }],
    },
  ],
};

export const answers: Dashboard = { uid: "modiste-answers", title: "modiste: answers", sections: [callers, nearline, releases] };
