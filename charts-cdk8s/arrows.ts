/** The architecture: who speaks with whom, and on which port. Policies, addresses and secrets of every pod follow from it; what is no arrow here is refused. */

import { adminPortOf, type FleetRow, gatewayHttpPort } from "#libs/serve/fleet-row.ts";
import type { Environment, Peer } from "./environment.ts";
import { ports } from "./ports.ts";

/** A name that pods carry, or what stands beyond the namespace. */
export type End = string | { readonly beyond: "anyone" | readonly Peer[] };

/** Why an arrow is there: what the pod at its beginning must be told of the other end. */
export type Errand = "rpc" | "bus" | "stores" | "releases" | "traces" | "metrics" | "page" | "call";

export interface Arrow {
  readonly from: End;
  readonly to: End;
  readonly port: number;
  readonly errand: Errand;
}

/** What runs to an end, and what it needs beside the volumes. */
export const jobs = {
  /** Makes a shop where there is none. */
  prepare: ["stores", "releases"],
  /** What is new on the bus, into files. */
  archive: ["bus"],
  /** Data set with what the archive holds, release. */
  retrain: ["releases"],
  /** The first data set: import, release, profiles. */
  import: ["stores", "releases"],
  /** The release before serves again. */
  rollback: ["releases"],
} as const satisfies Readonly<Record<string, readonly Errand[]>>;

export type JobName = keyof typeof jobs;

/** Errands of a service beside the calls it makes. */
const errandsOf: Readonly<Record<FleetRow["kind"], readonly Errand[]>> = {
  // Stores: the shop's changes to items; live counters.
  source: ["stores", "releases", "traces"],
  ranker: ["stores", "releases", "traces"],
  // Bus: events and changes that it applies.
  profile: ["bus", "stores", "traces"],
  // Bus: events that it accepts, records of answers.
  gateway: ["bus", "stores", "releases", "traces"],
};

/** Which jobs an environment has. */
export const jobsOf = ({ name }: Environment): readonly JobName[] =>
  name === "dev" ? ["prepare", "archive", "retrain", "rollback"] : ["archive", "retrain", "import", "rollback"];

/** The other end of an errand; null where it is no way through the network. */
function endOf(environment: Environment, errand: Errand): Pick<Arrow, "to" | "port"> | null {
  const { kafka, redis, telemetry, releases } = environment;
  switch (errand) {
    case "bus":
      return kafka === "inside" ? { to: "kafka", port: ports.kafka } : { to: { beyond: kafka.peers }, port: kafka.port };
    case "stores":
      return redis === "inside" ? { to: "redis", port: ports.redis } : { to: { beyond: redis.peers }, port: redis.port };
    case "traces":
      return telemetry === "inside" ? { to: "collector", port: ports.otlp } : { to: { beyond: telemetry.peers }, port: telemetry.port };
    case "releases":
      return "volumeGiB" in releases ? null : { to: { beyond: releases.peers }, port: releases.port };
    default:
      return null;
  }
}

function errandArrows(environment: Environment, from: string, errands: readonly Errand[]): Arrow[] {
  return errands.flatMap((errand) => {
    const end = endOf(environment, errand);
    return end === null ? [] : [{ from, ...end, errand }];
  });
}

/** Who calls whom: the gateway everybody, and the outside the gateway. */
function callArrows(fleet: readonly FleetRow[], clients: Environment["clients"]): Arrow[] {
  return fleet
    .filter(({ kind }) => kind === "gateway")
    .flatMap((gateway): Arrow[] => [
      ...fleet.filter((row) => row !== gateway).map(({ name: to, port }): Arrow => ({ from: gateway.name, to, port, errand: "rpc" })),
      { from: { beyond: clients }, to: gateway.name, port: gatewayHttpPort, errand: "call" },
      { from: { beyond: clients }, to: gateway.name, port: gateway.port, errand: "call" },
    ]);
}

function telemetryArrows(fleet: readonly FleetRow[], { telemetry }: Environment): Arrow[] {
  const scraped = fleet.map((row) => ({ to: row.name, port: adminPortOf(row), errand: "metrics" as const }));
  if (telemetry !== "inside") return scraped.map((arrow) => ({ from: { beyond: telemetry.scrapers }, ...arrow }));
  return [
    ...scraped.map((arrow) => ({ from: "prometheus", ...arrow })),
    { from: "prometheus", to: "collector", port: ports.collectorMetrics, errand: "metrics" },
    { from: "grafana", to: "prometheus", port: ports.prometheus, errand: "page" },
  ];
}

/** Every arrow of an environment, DNS apart, which all ask. */
export function arrowsOf(fleet: readonly FleetRow[], environment: Environment): readonly Arrow[] {
  return [
    ...callArrows(fleet, environment.clients),
    ...fleet.flatMap((row) => errandArrows(environment, row.name, errandsOf[row.kind])),
    ...jobsOf(environment).flatMap((name) => errandArrows(environment, name, jobs[name])),
    ...telemetryArrows(fleet, environment),
  ];
}

/** Whether pods of a name go on an errand; releases also where they lie on a volume. */
export function goesOn(fleet: readonly FleetRow[], name: string, errand: Errand): boolean {
  const kind = fleet.find((row) => row.name === name)?.kind;
  const errands: readonly Errand[] =
    kind === undefined ? ((jobs as Readonly<Record<string, readonly Errand[]>>)[name] ?? []) : errandsOf[kind];
  return errands.includes(errand);
}
