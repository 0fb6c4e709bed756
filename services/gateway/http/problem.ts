/** Errors as `application/problem+json` (RFC 9457). */

import { STATUS_CODES } from "node:http";
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
  FST_ERR_CTP_INVALID_JSON_BODY: { status: 400, reason: "not_json" },
  FST_ERR_BAD_URL: { status: 400, reason: "bad_url" },
  FST_ERR_MAX_PARAM_LENGTH: { status: 414, reason: "url_too_long" },
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
    if (status < 500)
      return {
        status,
        code: "invalid_argument",
        reason: known?.reason ?? (field === undefined ? "bad_request" : "invalid_field"),
        detail,
        field,
      };
  }
  const failure = toModisteError(error);
  return { status: statusOf(failure), code: failure.code, reason: failure.reason, detail: failure.detail, field: failure.field };
}

/** Seconds after which a caller may come again, where coming again helps. */
const retryAfterSeconds = 1;

function send(reply: FastifyReply, { status, code, reason, detail, field }: Problem): FastifyReply {
  // "about:blank" says that the title is that of the status; what is ours stands in code and reason.
  const title = STATUS_CODES[status] ?? "Client Closed Request";
  const body = { type: "about:blank", title, status, code, reason, detail, ...(field === undefined ? {} : { field }) };
  if (status === 429 || status === 503) reply.header("retry-after", retryAfterSeconds);
  return reply.status(status).type("application/problem+json").send(JSON.stringify(body));
}

/** For what fails before any route is found, such as a path that is no URL: `frameworkErrors` of Fastify. */
export function sendProblem(error: unknown, reply: FastifyReply): void {
  send(reply.header("cache-control", "no-store"), problemOf(error));
}

/** Sends every error as a problem; `onFault` hears of those that are ours. */
export function addProblems(app: FastifyInstance, onFault: (error: unknown) => void): void {
  app.setErrorHandler((error, _request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500 && !(error instanceof ModisteError)) onFault(error);
    return send(reply, problem);
  });
}

/**
 * Sends every request without a route as a problem: 404, or 405 with the methods that its path has; OPTIONS answers these. Reads the
 * routes as they are added, so it comes before them.
 */
export function addUnknownRoutes(app: FastifyInstance): void {
  const known: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook("onRoute", ({ url, method }) => {
    known.push({ path: new RegExp(`^${url.replace(/[.]/g, "\\.").replace(/:\w+/g, "[^/]+")}$`), methods: [method].flat() });
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?")[0] ?? "";
    const methods = [...new Set(known.flatMap((route) => (route.path.test(path) ? route.methods : [])))].sort();
    if (methods.length === 0)
      return send(reply, { status: 404, code: "not_found", reason: "unknown_route", detail: `no route ${path.slice(0, 256)}` });
    reply.header("allow", [...methods, "OPTIONS"].join(", "));
    if (request.method === "OPTIONS") return reply.status(204).send();
    const detail = `${path.slice(0, 256)} has no ${request.method}; it has ${methods.join(", ")}`;
    return send(reply, { status: 405, code: "unimplemented", reason: "method_not_allowed", detail });
  });
}
