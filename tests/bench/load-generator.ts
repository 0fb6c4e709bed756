/**
 * An open-loop HTTP client in a process of its own: requests leave when they are due, whether or not earlier ones were answered, and a
 * latency counts from when its request was due, so that a slow server cannot hide behind a waiting client (coordinated omission).
 * Arguments: one JSON object (LoadPlan). Prints one JSON object (LoadReport).
 */

import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { quantile, sortedOf } from "./bench.ts";

export interface LoadPlan {
  readonly url: string;
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: number;
  /** File with one path a line, taken in turn. */
  readonly pathsFile: string;
  /** Requests at once; what is due beyond waits, and its wait counts. */
  readonly connections: number;
}

export interface LoadReport {
  readonly sent: number;
  readonly failed: number;
  /** Answers that were not graded FULL. */
  readonly degraded: number;
  /** Answered a second. */
  readonly rate: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly longest: number;
}

/** No answer after this is a failure. */
const patienceMs = 10_000;

async function generate(plan: LoadPlan): Promise<LoadReport> {
  const { url, rate, seconds, connections } = plan;
  const paths = readFileSync(plan.pathsFile, "utf8").trim().split("\n");
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const { hostname, port } = new URL(url);
  const latencies: number[] = [];
  let failed = 0;
  let degraded = 0;
  const ask = (path: string, dueMs: number): Promise<void> =>
    new Promise((resolve) => {
      const sent = request({ hostname, port, path, agent, timeout: patienceMs }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          latencies.push(performance.now() - dueMs);
          if (response.statusCode !== 200) failed++;
          else if (!Buffer.concat(chunks).includes('"grade":"FULL"')) degraded++;
          resolve();
        });
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer")));
      sent.on("error", () => {
        failed++;
        resolve();
      });
      sent.end();
    });
  const total = Math.round(rate * seconds);
  const startedMs = performance.now();
  const under: Promise<void>[] = [];
  for (let i = 0; i < total; i++) {
    const dueMs = startedMs + (i * 1000) / rate;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0.5) await new Promise((resolve) => setTimeout(resolve, waitMs));
    under.push(ask(paths[i % paths.length]!, dueMs));
  }
  await Promise.all(under);
  const took = (performance.now() - startedMs) / 1000;
  agent.destroy();
  const sorted = sortedOf(latencies);
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => quantile(sorted, share)) as [number, number, number];
  return { sent: total, failed, degraded, rate: (total - failed) / took, p50, p90, p99, longest: sorted.at(-1) ?? Number.NaN };
}

process.stdout.write(JSON.stringify(await generate(JSON.parse(process.argv[2]!) as LoadPlan)));
