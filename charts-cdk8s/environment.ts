/** What differs between clusters: an environment is one value of this type. Everything that does not differ is no field here. */

/** The far end of an arrow that leaves the namespace, or comes from beyond it. */
export type Peer =
  | { readonly cidr: string }
  /** Pods of another namespace; without labels all of them. */
  | { readonly namespace: string; readonly labels?: Readonly<Record<string, string>> };

/** A service that others run: where policies let pods go. */
export interface Outside {
  readonly peers: readonly Peer[];
  readonly port: number;
}

export interface OutsideKafka extends Outside {
  /** host:port, those that are asked first. */
  readonly brokers: readonly string[];
  readonly saslMechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  readonly partitions: number;
  readonly replication: number;
}

export interface OutsideRedis extends Outside {
  readonly cluster: boolean;
}

/** Releases in a bucket. Keys of access come from the secret. */
export interface Bucket extends Outside {
  /** s3://<bucket>/<prefix> */
  readonly url: string;
  readonly region: string;
  /** Of stores other than Amazon's; "" there. */
  readonly endpoint: string;
}

export interface OutsideTelemetry extends Outside {
  /** OTLP over HTTP, with its path. */
  readonly otlpUrl: string;
  /** Who reads /metrics of every service. */
  readonly scrapers: readonly Peer[];
}

export interface GpuNodes {
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly toleration: { readonly key: string; readonly effect: "NoSchedule" | "NoExecute" };
  /** Cards are counted, so that their number is said and not scaled. */
  readonly replicas: number;
}

export interface Retraining {
  /** Cron words, UTC. */
  readonly schedule: string;
  readonly suspended: boolean;
  /** Data set that the archive of events continues. */
  readonly base: string;
  readonly cpu: number;
  readonly memoryMiB: number;
  /** Size of the volume of data sets and archive, GiB. */
  readonly dataGiB: number;
}

export interface Environment {
  readonly name: string;
  readonly namespace: string;
  /** Stands before the names of our images; "" where the nodes hold them. */
  readonly registry: string;
  /** Null: one replica of each service, as fits one small node. Else the table's, and as many times more as the load asks for. */
  readonly scale: { readonly replicasFactorMax: number } | null;
  /** "inside": it runs in the namespace, for people who develop. */
  readonly kafka: "inside" | OutsideKafka;
  readonly redis: "inside" | OutsideRedis;
  readonly telemetry: "inside" | OutsideTelemetry;
  /** GiB of the volume of releases, or the bucket. */
  readonly releases: { readonly volumeGiB: number } | Bucket;
  /** Null: the network is computed on the CPU alone. */
  readonly gpu: GpuNodes | null;
  /** Who may call the gateway; "anyone" that the cluster lets in. */
  readonly clients: "anyone" | readonly Peer[];
  /** Whether the gateway serves the page, where anybody may look as any customer. */
  readonly page: boolean;
  /** Cron words, UTC: oftener than the bus drops records. */
  readonly archiving: { readonly schedule: string; readonly suspended: boolean };
  readonly retraining: Retraining;
  /** Sources instead of what was compiled, in containers that can be written to: for live updates on one's own cluster. */
  readonly live: boolean;
}

/** An environment that cannot be written as manifests. */
export class EnvironmentError extends Error {
  override readonly name = "EnvironmentError";
}

/** Fields that may be empty: what that means stands at their type. */
const mayBeEmpty = new Set(["registry", "endpoint"]);

/** Paths of what is missing, empty or no number above zero. */
function emptyFields(value: unknown, path: string): string[] {
  const last = path.split(".").at(-1) ?? "";
  if (value === undefined) return [`${path} is missing`];
  if (value === "" && !mayBeEmpty.has(last)) return [`${path} is empty`];
  if (typeof value === "number" && !(Number.isFinite(value) && value > 0)) return [`${path} is ${value}, must be above 0`];
  if (Array.isArray(value) && value.length === 0) return [`${path} names nothing`];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => emptyFields(inner, `${path}.${key}`));
}

const fields = {
  environment: [
    "name",
    "namespace",
    "registry",
    "scale",
    "kafka",
    "redis",
    "telemetry",
    "releases",
    "gpu",
    "clients",
    "page",
    "archiving",
    "retraining",
    "live",
  ],
  kafka: ["peers", "port", "brokers", "saslMechanism", "partitions", "replication"],
  redis: ["peers", "port", "cluster"],
  telemetry: ["peers", "port", "otlpUrl", "scrapers"],
  bucket: ["peers", "port", "url", "region", "endpoint"],
  archiving: ["schedule", "suspended"],
  retraining: ["schedule", "suspended", "base", "cpu", "memoryMiB", "dataGiB"],
} as const;

const absent = (value: unknown, names: readonly string[], path: string): string[] =>
  typeof value !== "object" || value === null ? [] : names.filter((name) => !(name in value)).map((name) => `${path}.${name} is missing`);

/** @throws EnvironmentError naming every field that is missing or empty. The compiler sees the first; a value from elsewhere it does not. */
export function checkEnvironment(environment: Environment): Environment {
  const { name, kafka, redis, telemetry, releases, archiving, retraining } = environment;
  const path = name || "environment";
  const missing = [
    ...absent(environment, fields.environment, path),
    ...absent(kafka, fields.kafka, `${path}.kafka`),
    ...absent(redis, fields.redis, `${path}.redis`),
    ...absent(telemetry, fields.telemetry, `${path}.telemetry`),
    ...(releases && "volumeGiB" in releases ? [] : absent(releases, fields.bucket, `${path}.releases`)),
    ...absent(archiving, fields.archiving, `${path}.archiving`),
    ...absent(retraining, fields.retraining, `${path}.retraining`),
  ];
  const problems = [...new Set([...missing, ...emptyFields(environment, path)])];
  if (problems.length > 0) throw new EnvironmentError(`environment "${name ?? ""}": ${problems.join("; ")}`);
  return environment;
}
