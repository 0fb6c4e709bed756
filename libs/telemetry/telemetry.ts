/** Traces, metrics and logs of one process. Each service has its own view (its name on every span and log line) of what all share. */

import { type Attributes, type Context, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from "@opentelemetry/semantic-conventions";
import { toModisteError } from "#libs/core/errors.ts";
import { activeContext, registerActiveContext, runInContext } from "./active.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { type RecentTraces, TraceRing } from "./recent-traces.ts";
import { toTraceparent } from "./trace-context.ts";

export interface TelemetryOptions {
  /** Version of modiste, for `service.version`. */
  readonly version: string;
  /** OTLP over HTTP, such as "http://127.0.0.1:4318/v1/traces"; without it spans stay in the ring. */
  readonly otlpUrl?: string | undefined;
  /** Traces that the ring keeps. */
  readonly recentTraces: number;
  /** Share of new traces that are recorded, 0 to 1; a trace begun elsewhere keeps the decision of its beginner. Default 1. */
  readonly sampleRatio?: number;
  /** Whether to collect metrics of the process itself. Default false. */
  readonly processMetrics?: boolean;
}

/** What a process owns. */
export interface ProcessTelemetry {
  readonly metrics: Metrics;
  readonly recentTraces: RecentTraces;
  /** The view of one service; the same object for the same name. */
  service(name: string): Telemetry;
  /** Sends what waits (at most `exportLimitMs`), then stops. */
  close(): Promise<void>;
}

/** What a service sees. */
export interface Telemetry {
  readonly service: string;
  readonly metrics: Metrics;
  readonly recentTraces: RecentTraces;
  readonly tracer: Tracer;
  /** Runs `fn` inside a new span, child of the active one. An error of `fn` marks the span and passes through. */
  span<T>(name: string, attributes: Attributes, fn: (span: Span) => T): T;
  /** 32 hex digits; undefined outside of any span. */
  traceId(): string | undefined;
  /** The W3C header of the active span, for metadata, HTTP and Kafka headers. */
  traceparent(): string | undefined;
}

const exportLimitMs = 2000;

export async function startTelemetry(options: TelemetryOptions): Promise<ProcessTelemetry> {
  registerActiveContext();
  const ring = new TraceRing(options.recentTraces);
  const metrics = createMetrics({ process: options.processMetrics ?? false });
  const processors: SpanProcessor[] = options.recentTraces > 0 ? [ring] : [];
  if (options.otlpUrl !== undefined) processors.push(await openExporter(options.otlpUrl));
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleRatio ?? 1) });
  const views = new Map<string, Telemetry>();
  const createView = (name: string): Telemetry => {
    const resource = resourceFromAttributes({ [ATTR_SERVICE_NAME]: name, [ATTR_SERVICE_VERSION]: options.version });
    const provider = new BasicTracerProvider({ resource, sampler, spanProcessors: processors });
    return telemetryView(name, provider.getTracer("modiste", options.version), metrics, ring);
  };
  return {
    metrics,
    recentTraces: ring,
    service(name) {
      const view = views.get(name) ?? createView(name);
      views.set(name, view);
      return view;
    },
    async close() {
      await Promise.allSettled(processors.map((processor) => processor.shutdown()));
      metrics.close();
    },
  };
}

/** Loaded only where an address is configured: the exporter costs 130 ms of start. */
async function openExporter(url: string): Promise<SpanProcessor> {
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: exportLimitMs });
  return new BatchSpanProcessor(exporter, { maxQueueSize: 4096, exportTimeoutMillis: exportLimitMs });
}

function telemetryView(service: string, tracer: Tracer, metrics: Metrics, recentTraces: RecentTraces): Telemetry {
  return {
    service,
    metrics,
    recentTraces,
    tracer,
    span(name, attributes, fn) {
      const parent = activeContext();
      const span = tracer.startSpan(name, { kind: SpanKind.INTERNAL, attributes }, parent);
      return runInSpan(span, trace.setSpan(parent, span), fn);
    },
    traceId: () => trace.getSpanContext(activeContext())?.traceId,
    traceparent: () => toTraceparent(activeContext()),
  };
}

function runInSpan<T>(span: Span, within: Context, fn: (span: Span) => T): T {
  try {
    const result = runInContext(within, () => fn(span));
    if (!(result instanceof Promise)) {
      span.end();
      return result;
    }
    return result.then(
      (value) => {
        span.end();
        return value;
      },
      (error: unknown) => {
        failSpan(span, error);
        throw error;
      },
    ) as T;
  } catch (error) {
    failSpan(span, error);
    throw error;
  }
}

/** Marks and ends a span. Traces may hold causes: they are ours, unlike answers. */
export function failSpan(span: Span, error: unknown): void {
  const { code, reason, message, cause } = toModisteError(error);
  span.setAttributes({ "error.type": code, "modiste.reason": reason });
  if (cause !== undefined) span.setAttribute("modiste.cause", String(cause));
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.end();
}
