/** Logs: one JSON object a line on stderr, or one readable line where a person watches. Every line carries the trace that it belongs to. */

import { createHmac } from "node:crypto";
import { trace } from "@opentelemetry/api";
import { type DestinationStream, type Logger as PinoLogger, pino, stdSerializers, stdTimeFunctions } from "pino";
import { activeContext } from "./active.ts";

export type Logger = PinoLogger;

export const logLevels = ["trace", "debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogOptions {
  readonly service: string;
  readonly level: LogLevel;
  /** Readable lines instead of JSON; by default when stderr is a terminal. */
  readonly pretty?: boolean;
  /** Where lines go; by default stderr, so that stdout stays free for what a command answers. */
  readonly destination?: DestinationStream;
}

export function createLogger(options: LogOptions): Logger {
  const sink = options.destination ?? pino.destination({ dest: 2, sync: true });
  const pretty = options.pretty ?? (options.destination === undefined && process.stderr.isTTY === true);
  const destination = pretty ? { write: (line: string) => sink.write(prettyLine(line)) } : sink;
  return pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: stdSerializers.errWithCause },
      mixin: traceFields,
    },
    destination,
  );
}

function traceFields(): object {
  const span = trace.getSpanContext(activeContext());
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}

/** "12:00:01.123 WARN  itemcf  message  key=value". The stack of an error follows on lines of its own. */
function prettyLine(line: string): string {
  const { level, time, service, msg, trace_id, span_id: _, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const fields = Object.entries(rest).map(([key, value]) => `${key}=${typeof value === "object" ? JSON.stringify(value) : value}`);
  if (trace_id !== undefined) fields.push(`trace=${String(trace_id).slice(0, 8)}`);
  const stack = (err as { stack?: string } | undefined)?.stack;
  const head = `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${String(service).padEnd(10)} ${msg ?? ""}`;
  return `${[head, ...fields].join("  ")}${stack === undefined ? "" : `\n  ${stack}`}\n`;
}

/** How a user or session appears in logs and traces: 16 hex digits of HMAC-SHA256 under a key of the installation. */
export function hashSubject(subject: string, key: string): string {
  return createHmac("sha256", key).update(subject).digest("hex").slice(0, 16);
}
