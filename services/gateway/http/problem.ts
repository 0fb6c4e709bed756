/** Errors as `application/problem+json` (RFC 9457). */

import type { FastifyError, FastifyInstance, FastifyReply } from "fastify";
import { codeTraits, ModisteError, toModisteError } from "#libs/core/errors.ts";

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  readonly detail: string;
  readonly field?: string | undefined;
}

/** Fastify's own refusals, by its code: they happen before any call of ours. */
const fastifyProblems: Readonly<Record<string, { readonly status: number; readonly reason: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, reason: "body_too_large" },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { status: 415, reason: "content_type" },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, reason: "empty_body" },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { status: 400, reason: "content_length" },
};

function isFastifyError(error: unknown): error is FastifyError {
  return error instanceof Error && "statusCode" in error && typeof (error as FastifyError).statusCode === "number";
}

/** The path of a validation error as the caller wrote it: "n", "events[2].type". */
function fieldOf({ validation, validationContext }: FastifyError): string | undefined {
  const first = validation?.[0];
  if (!first) return undefined;
  const path = first.instancePath.split("/").filter((step) => step !== "");
  const extra = first.params as { additionalProperty?: string; missingProperty?: string };
  const last = extra.additionalProperty ?? extra.missingProperty;
  const steps = last === undefined ? path : [...path, last];
  const text = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join("");
  return text.replace(/^\./, "") || validationContext;
}

/** `too_large` reasons of ours are 413, as callers of HTTP expect. */
function statusOf(error: ModisteError): number {
  return error.reason === "batch_too_large" ? 413 : codeTraits[error.code].http;
}

export function problemOf(error: unknown): Problem {
  if (isFastifyError(error) && !(error instanceof ModisteError)) {
    const known = fastifyProblems[error.code];
    const status = known?.status ?? error.statusCode ?? 500;
    const field = fieldOf(error);
    const detail = field === undefined ? error.message : `${field}: ${error.validation?.[0]?.message ?? error.message}`;
    if (status < 500) return { status, code: "invalid_argument", reason: known?.reason ?? "invalid_field", detail, field };
  }
  const failure = toModisteError(error);
  return { status: statusOf(failure), code: failure.code, reason: failure.reason, detail: failure.detail, field: failure.field };
}

function send(reply: FastifyReply, { status, code, reason, detail, field }: Problem): FastifyReply {
  const body = { type: "about:blank", title: code, status, code, reason, detail, ...(field === undefined ? {} : { field }) };
  return reply.status(status).type("application/problem+json").send(JSON.stringify(body));
}

/** Sends every error and every unknown route as a problem; `onFault` hears of those that are ours. */
export function addProblems(app: FastifyInstance, onFault: (error: unknown) => void): void {
  app.setErrorHandler((error, _request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500 && !(error instanceof ModisteError)) onFault(error);
    return send(reply, problem);
  });
  app.setNotFoundHandler((request, reply) =>
    send(reply, { status: 404, code: "not_found", reason: "unknown_route", detail: `no route ${request.method} ${request.url.split("?")[0]}` }),
  );
}
