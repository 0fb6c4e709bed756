/** An open-loop HTTP client, a process of its own: requests leave on time whether or not the answers come. Reads a job from stdin, writes one JSON line. */

import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "#libs/core/clock.ts";

export interface LoadJob {
  readonly port: number;
  readonly users: readonly string[];
  /** Requests a second. */
  readonly rate: number;
  readonly seconds: number;
}

export interface LoadResult {
  /** Milliseconds from the moment when a request was due, so that a queue in front of the server counts; sorted. */
  readonly latencies: readonly number[];
  readonly failed: number;
  /** Answers a second over the time that all of them took. */
  readonly rate: number;
  /** Median milliseconds by stage. */
  readonly stages: Readonly<Record<string, number>>;
  readonly grades: Readonly<Record<string, number>>;
}

interface Answer {
  readonly grade?: string;
  readonly coverage?: { readonly stages: readonly { readonly stage: string; readonly milliseconds: number }[] };
}

const agent = new Agent({ keepAlive: true, maxSockets: 128 });

function get(port: number, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, agent }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    })
      .on("error", reject)
      .end();
  });
}

function middle(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

async function run({ port, users, rate, seconds }: LoadJob): Promise<LoadResult> {
  const latencies: number[] = [];
  const stages = new Map<string, number[]>();
  const grades: Record<string, number> = {};
  let failed = 0;
  const started = systemClock.monotonicMs();
  const one = async (i: number, due: number): Promise<void> => {
    const user = encodeURIComponent(users[i % users.length]!);
    const answer = await get(port, `/v1/recommendations?n=12&user_id=${user}`).catch(() => null);
    latencies.push(systemClock.monotonicMs() - due);
    if (answer?.status !== 200) {
      failed++;
      return;
    }
    // Every tenth answer tells of its stages: reading all of them would make the client the bottleneck.
    if (i % 10 !== 0) return;
    const { grade, coverage } = JSON.parse(answer.body) as Answer;
    grades[grade ?? ""] = (grades[grade ?? ""] ?? 0) + 1;
    for (const { stage, milliseconds } of coverage?.stages ?? []) stages.set(stage, [...(stages.get(stage) ?? []), milliseconds]);
  };
  const pending: Promise<void>[] = [];
  for (let i = 0; i < rate * seconds; i++) {
    const due = started + (i * 1000) / rate;
    const wait = due - systemClock.monotonicMs();
    if (wait > 1) await delay(wait);
    pending.push(one(i, due));
  }
  await Promise.all(pending);
  const took = (systemClock.monotonicMs() - started) / 1000;
  return {
    latencies: latencies.sort((a, b) => a - b),
    failed,
    rate: (latencies.length - failed) / took,
    stages: Object.fromEntries([...stages].map(([stage, values]) => [stage, middle(values)])),
    grades,
  };
}

process.stdout.write(`${JSON.stringify(await run(JSON.parse(await text(process.stdin)) as LoadJob))}\n`);
agent.destroy();
