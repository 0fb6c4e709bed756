/** The last traces of this process, kept in memory for the page and for tests. Bounded twice: traces, and spans a trace. */

import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace-base";

export interface RecentSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Null for the root of a trace, and where the parent belongs to another process. */
  readonly parentSpanId: string | null;
  readonly service: string;
  /** Such as "modiste.v1.Ranker/Rank". */
  readonly name: string;
  readonly kind: "internal" | "server" | "client" | "producer" | "consumer";
  /** Milliseconds since 1970 UTC, with fractions. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly ok: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface RecentTraces {
  /** Finished spans of a trace in order of their start; empty when the trace is not (or no longer) known. */
  get(traceId: string): readonly RecentSpan[];
  /** Ids of the traces at hand, oldest first. */
  traceIds(): readonly string[];
}

/** Spans kept of one trace; a loop that opens spans without end must not fill the memory. */
const spansPerTraceMax = 512;
const kinds = ["internal", "server", "client", "producer", "consumer"] as const;

/** A span processor that keeps finished spans of the last `traceCount` traces, first in first out. 0 keeps nothing. O(1) a span. */
export class TraceRing implements SpanProcessor, RecentTraces {
  private readonly traces = new Map<string, ReadableSpan[]>();
  private readonly traceCount: number;

  constructor(traceCount: number) {
    this.traceCount = traceCount;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.traceCount === 0) return;
    const { traceId } = span.spanContext();
    let spans = this.traces.get(traceId);
    if (spans === undefined) {
      spans = [];
      this.traces.set(traceId, spans);
      if (this.traces.size > this.traceCount) this.dropOldest();
    }
    if (spans.length < spansPerTraceMax) spans.push(span);
  }

  get(traceId: string): readonly RecentSpan[] {
    const spans = this.traces.get(traceId) ?? [];
    return spans.map(recentSpan).sort((a, b) => a.startMs - b.startMs || b.durationMs - a.durationMs);
  }

  traceIds(): readonly string[] {
    return [...this.traces.keys()];
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {
    this.traces.clear();
  }

  private dropOldest(): void {
    for (const oldest of this.traces.keys()) {
      this.traces.delete(oldest);
      return;
    }
  }
}

function recentSpan(span: ReadableSpan): RecentSpan {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? null,
    service: String(span.resource.attributes["service.name"] ?? ""),
    name: span.name,
    kind: kinds[span.kind] ?? "internal",
    startMs: milliseconds(span.startTime),
    durationMs: milliseconds(span.duration),
    ok: span.status.code !== 2,
    attributes: { ...span.attributes },
  };
}

function milliseconds(time: readonly [number, number]): number {
  return time[0] * 1000 + time[1] / 1e6;
}
