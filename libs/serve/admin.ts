/** Metrics and health over HTTP for people, Prometheus and probes: /metrics, /healthz (alive), /readyz (503 with the reason; a line for each thing that is wrong although it is ready). Loopback unless gRPC is not. */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { bindError } from "#libs/rpc/grpc-server.ts";
import type { Metrics } from "#libs/telemetry/metrics.ts";

export interface AdminServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface AdminAnswers {
  readonly metrics: Metrics;
  /** Why the process is not ready, null when it is. */
  ready(): string | null;
  /** What is wrong although it is ready. */
  remarks(): readonly string[];
}

/** @throws failed_precondition with reason "address_in_use" naming the port. */
export async function startAdminServer(host: string, port: number, answers: AdminAnswers): Promise<AdminServer> {
  const server = createServer((request, response) => {
    void answer(request, response, answers);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(bindError(error, host, port)));
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, { metrics, ready, remarks }: AdminAnswers): Promise<void> {
  const path = request.url?.split("?")[0];
  if (path === "/metrics") return end(response, 200, await metrics.text(), metrics.contentType);
  if (path === "/healthz") return end(response, 200, "alive\n");
  if (path !== "/readyz") return end(response, 404, "there are /metrics, /healthz and /readyz\n");
  const reason = ready();
  const lines = [reason ?? "ready", ...remarks()];
  return end(response, reason === null ? 200 : 503, `${lines.join("\n")}\n`);
}

function end(response: ServerResponse, status: number, body: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type }).end(body);
}
