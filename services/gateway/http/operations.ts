/** Health, metrics and traces for people and platforms. */

import type { FastifyInstance } from "fastify";
import { ModisteError } from "#libs/core/errors.ts";
import type { ServiceContext } from "#libs/serve/service.ts";

const traceIdPattern = /^[0-9a-f]{32}$/;

export function addOperations(
  app: FastifyInstance,
  { telemetry, processReady, processRemarks }: Pick<ServiceContext, "telemetry" | "processReady" | "processRemarks">,
): void {
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const reason = processReady();
    const remarks = processRemarks();
    if (reason === null) return { status: "ready", ...(remarks.length === 0 ? {} : { remarks }) };
    return reply.status(503).send({ status: "not_ready", reason });
  });
  app.get("/metrics", async (_request, reply) => reply.type(telemetry.metrics.contentType).send(await telemetry.metrics.text()));
  app.get<{ Params: { id: string } }>("/v1/traces/:id", async (request) => {
    const spans = traceIdPattern.test(request.params.id) ? telemetry.recentTraces.get(request.params.id) : [];
    if (spans.length === 0) throw new ModisteError("not_found", "unknown_trace", "no such trace among the last ones of this process");
    return {
      spans: spans.map(({ spanId, parentSpanId, service, name, kind, startMs, durationMs, ok }) => ({
        span_id: spanId,
        parent_span_id: parentSpanId,
        service,
        name,
        kind,
        start_ms: startMs,
        duration_ms: durationMs,
        ok,
      })),
    };
  });
}
