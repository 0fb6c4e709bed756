/** The HTTP door of the gateway. */

import fastify, { type FastifyInstance } from "fastify";
import { ModisteError } from "#libs/core/errors.ts";
import type { ReleaseFollower } from "#libs/release/follower.ts";
import type { Client } from "#libs/rpc/definition.ts";
import type { ServiceContext } from "#libs/serve/service.ts";
import { activeContext, runInContext } from "#libs/telemetry/active.ts";
import { fromTraceparent, traceparentHeader } from "#libs/telemetry/trace-context.ts";
import type { RecommenderDefinition } from "#protos/recommender.ts";
import type { GatewayRelease } from "../release.ts";
import { addPage } from "../web/serve-page.ts";
import { addOpenApi } from "./openapi.ts";
import { addOperations } from "./operations.ts";
import { addProblems, addUnknownRoutes, sendProblem } from "./problem.ts";
import { addRoutes } from "./routes.ts";
import { trackConnections } from "./track-connections.ts";

/** Largest request body. */
const bodyBytesMax = 1 << 20;

export interface HttpSettings {
  readonly httpHost: string;
  readonly httpPort: number;
  readonly httpHosts: readonly string[];
  readonly httpLingerMs: number;
  readonly page: "on" | "off";
}

export interface HttpOptions {
  readonly context: Pick<ServiceContext, "telemetry" | "log" | "processReady" | "processRemarks" | "isKeyed">;
  readonly settings: HttpSettings;
  readonly releases: ReleaseFollower<GatewayRelease>;
  readonly client: Client<typeof RecommenderDefinition>;
  /** Words for people of each source, by its name. */
  readonly hints: Readonly<Record<string, string>>;
  /** Told the path of every route; for tests that compare them with the document. */
  readonly onRoute?: (path: string) => void;
}

export interface HttpDoor {
  /** "http://127.0.0.1:8080". */
  readonly address: string;
  /**
   * Every answer from now on closes its connection, so that callers who keep connections open come back to another replica; new connections are
   * refused and requests under way waited for once all are closed, or after `httpLingerMs`: what a caller sends until then is answered.
   */
  drain(): Promise<void>;
  close(): Promise<void>;
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * A page of another site must not reach a server through the visitor's browser (DNS rebinding): only known Host names are answered. Where callers
 * must name a key, such a page has none, and any name does unless some are listed.
 */
function guardHosts(app: FastifyInstance, hosts: readonly string[], isKeyed: boolean): void {
  if (isKeyed && hosts.length === 0) return;
  const allowed = new Set(hosts.map((host) => host.toLowerCase()));
  app.addHook("onRequest", async (request) => {
    const host = (request.headers.host ?? "").toLowerCase();
    if (loopback.test(host) || allowed.has(host) || allowed.has(host.replace(/:\d+$/, ""))) return;
    throw new ModisteError("permission_denied", "unknown_host", `Host "${host.slice(0, 64)}" is not answered; see MODISTE_HTTP_HOSTS`);
  });
}

/** Calls of a handler continue the trace that its request names. Before the handler, not before the body: reading a body leaves the context. */
function continueTraces(app: FastifyInstance): void {
  app.addHook("preHandler", (request, _reply, done) => {
    const traceparent = request.headers[traceparentHeader];
    runInContext(fromTraceparent(activeContext(), typeof traceparent === "string" ? traceparent : undefined), done);
  });
}

/** Throws `failed_precondition` naming the port when it is in use. */
export async function startHttp({ context, settings, releases, client, hints, onRoute }: HttpOptions): Promise<HttpDoor> {
  const { log } = context;
  const app = fastify({
    bodyLimit: bodyBytesMax,
    forceCloseConnections: "idle",
    // While connections linger their requests are answered as ever.
    return503OnClosing: false,
    frameworkErrors: (error, _request, reply) => sendProblem(error, reply),
    routerOptions: { maxParamLength: 1024 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: "array" } },
  });
  guardHosts(app, settings.httpHosts, context.isKeyed);
  continueTraces(app);
  const connections = trackConnections(app);
  // Answers are personal: no cache may keep them for somebody else.
  app.addHook("onSend", async (_request, reply) => {
    if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
  });
  // JSON only; text would also be what a form of another site can send without asking.
  app.removeContentTypeParser("text/plain");
  addProblems(app, (error) => log.error({ err: error }, "an HTTP request failed"));
  addUnknownRoutes(app);
  if (onRoute) app.addHook("onRoute", ({ url }) => onRoute(url));
  addRoutes(app, client);
  addOperations(app, context);
  addOpenApi(app);
  if (settings.page === "on") addPage(app, releases, client, hints);
  const address = await app.listen({ host: settings.httpHost, port: settings.httpPort }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "EADDRINUSE") throw cause;
    const where = `${settings.httpHost}:${settings.httpPort}`;
    throw new ModisteError("failed_precondition", "address_in_use", `HTTP cannot listen on ${where}: it is in use; set MODISTE_HTTP_PORT`, {
      cause,
    });
  });
  log.info({ address }, "HTTP listens");
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => (closing ??= app.close());
  const drain = async (): Promise<void> => {
    await connections.linger(settings.httpLingerMs);
    await close();
  };
  return { address, drain, close };
}
