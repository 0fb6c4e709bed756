/** Prometheus metrics of one process, in a registry of its own. Label sets are bounded: names of the fleet, of protos and of code, never ids. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** Seconds: 0.25 ms to 2 s, about a factor of two apart, with 150 ms (the default deadline) as an edge. */
const durationBuckets = [0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2];
const lagBuckets = [0.001, 0.005, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60, 600];
const candidateBuckets = [0, 1, 10, 25, 50, 100, 200, 300, 500, 1000];

/** Remembers the child of each label set, because looking one up in prom-client hashes a string built from all labels. */
export interface CallTimer {
  /** `code` is "ok" or an `ErrorCode`. */
  observe(code: string, seconds: number): void;
}

export interface Metrics {
  readonly registry: Registry;
  /** `service` is a row of the fleet; `method` such as "modiste.v1.Ranker/Rank". Keep the timer: it is cheap to observe, not to make. */
  serverTimer(service: string, method: string): CallTimer;
  clientTimer(service: string, method: string): CallTimer;
  /** Work dropped before its handler ran: "overflow" or "expired". */
  dropped(service: string, why: "overflow" | "expired"): void;
  stage(stage: string, seconds: number): void;
  answer(surface: string, grade: string): void;
  sourceCandidates(source: string, count: number): void;
  eventLag(seconds: number): void;
  /** Says which release serves a part; the one before it disappears from the series. */
  release(part: string, release: string): void;
  /** What `/metrics` answers, and its content type. */
  text(): Promise<string>;
  readonly contentType: string;
  counter<Label extends string>(name: string, help: string, labels?: readonly Label[]): Counter<Label>;
  gauge<Label extends string>(name: string, help: string, labels?: readonly Label[]): Gauge<Label>;
  histogram<Label extends string>(name: string, help: string, buckets: readonly number[], labels?: readonly Label[]): Histogram<Label>;
  close(): void;
}

export interface MetricsOptions {
  /** Adds resident memory, CPU, garbage collection and event loop lag. Off in tests, which would leave an observer each. */
  readonly process?: boolean;
}

export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  if (options.process === true) collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });
  const make = makers(registry);
  const server = make.histogram("modiste_rpc_server_duration_seconds", "Calls answered", durationBuckets, ["service", "method", "code"]);
  const client = make.histogram("modiste_rpc_client_duration_seconds", "Calls made", durationBuckets, ["service", "method", "code"]);
  const dropped = make.counter("modiste_rpc_dropped_total", "Calls dropped before their handler ran", ["service", "why"]);
  const stages = make.histogram("modiste_pipeline_stage_seconds", "Stages of the pipeline", durationBuckets, ["stage"]);
  const answers = make.counter("modiste_answers_total", "Answers", ["surface", "grade"]);
  const candidates = make.histogram("modiste_source_candidates", "Candidates that a source gave", candidateBuckets, ["source"]);
  const lag = make.histogram("modiste_event_lag_seconds", "From accepting an event to its effect", lagBuckets);
  const releases = make.gauge("modiste_release_info", "1 for the release that serves a part", ["part", "release"]);
  const serving = new Map<string, string>();
  const stageTimers = remembered((stage: string) => stages.labels({ stage }));
  const candidateCounts = remembered((source: string) => candidates.labels({ source }));
  return {
    registry,
    serverTimer: (service, method) => callTimer(server, service, method),
    clientTimer: (service, method) => callTimer(client, service, method),
    dropped: (service, why) => dropped.inc({ service, why }),
    stage: (stage, seconds) => stageTimers(stage).observe(seconds),
    answer: (surface, grade) => answers.inc({ surface, grade }),
    sourceCandidates: (source, count) => candidateCounts(source).observe(count),
    eventLag: (seconds) => lag.observe(seconds),
    release: (part, release) => {
      const before = serving.get(part);
      if (before !== undefined) releases.remove({ part, release: before });
      serving.set(part, release);
      releases.set({ part, release }, 1);
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
    ...make,
    close: () => registry.clear(),
  };
}

/** Makers of further metrics in the same registry; a name may be made once. */
function makers(registry: Registry): Pick<Metrics, "counter" | "gauge" | "histogram"> {
  const registers = [registry];
  return {
    counter: (name, help, labels = []) => new Counter({ name, help, labelNames: labels, registers }),
    gauge: (name, help, labels = []) => new Gauge({ name, help, labelNames: labels, registers }),
    histogram: (name, help, buckets, labels = []) => new Histogram({ name, help, buckets: [...buckets], labelNames: labels, registers }),
  };
}

/** Looks a child up once: see `CallTimer`. */
function remembered<T>(make: (label: string) => T): (label: string) => T {
  const children = new Map<string, T>();
  return (label) => {
    const known = children.get(label) ?? make(label);
    children.set(label, known);
    return known;
  };
}

type CallHistogram = Histogram<"service" | "method" | "code">;

function callTimer(histogram: CallHistogram, service: string, method: string): CallTimer {
  const children = new Map<string, ReturnType<CallHistogram["labels"]>>();
  return {
    observe(code, seconds) {
      let child = children.get(code);
      if (child === undefined) {
        child = histogram.labels({ service, method, code });
        children.set(code, child);
      }
      child.observe(seconds);
    },
  };
}
