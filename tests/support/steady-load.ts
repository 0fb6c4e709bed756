/** Steady load on a running shop while something is done to it: recommendations and events, each answer judged, nothing asked twice. */

import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

export interface SteadyLoadOptions {
  /** Such as "http://10.96.0.7:80". Several are replicas that a balancer asks in turn, and the next one where one does not answer; read anew each time. */
  readonly gateways: readonly string[];
  /** Bearer key. */
  readonly key: string;
  readonly userIds: readonly string[];
  readonly itemIds: readonly string[];
  /** Recommendations a second. */
  readonly rate: number;
  /** Events a second, each in a request of its own. */
  readonly eventRate: number;
  /** What a balancer waits for one gateway, milliseconds. Default 10,000. */
  readonly attemptMs?: number;
}

export interface Failure {
  /** Seconds since the load began. */
  readonly atSeconds: number;
  readonly what: string;
}

export interface SteadyLoadReport {
  readonly seconds: number;
  readonly asked: number;
  /** Recommendations that no gateway asked answered by 200 and at least one item. */
  readonly failed: readonly Failure[];
  /** Those that a further gateway answered. */
  readonly secondAsked: number;
  /** How many answers had which grade. */
  readonly grades: Readonly<Record<string, number>>;
  /** Milliseconds from when a request was due. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  readonly events: number;
  /** Events that were not acknowledged: their sender was told, or heard nothing. */
  readonly refused: readonly Failure[];
  /** Of the acknowledged ones, item by subject. */
  readonly accepted: ReadonlyMap<string, readonly string[]>;
}

export interface SteadyLoad {
  /** Waits for what is under way. */
  stop(): Promise<SteadyLoadReport>;
}

/** No acknowledgement after this: brokers and stores may be away for a while. */
const eventMs = 10_000;
const connections = 256;
/** A profile holds 200 purchases: so many events go to one subject. */
const eventsPerSubject = 100;

interface Answered {
  readonly status: number;
  readonly text: string;
}

/** Rejects when the connection fails or the whole answer has not come in time. */
function ask(agent: Agent, url: string, key: string, limitMs: number, body?: unknown): Promise<Answered> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = { authorization: `Bearer ${key}`, ...(text === undefined ? {} : { "content-type": "application/json" }) };
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent, headers, method: text === undefined ? "GET" : "POST" }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
      });
      response.on("error", reject);
    });
    const timer = setTimeout(() => sent.destroy(new Error(`no answer in ${limitMs} ms`)), limitMs);
    sent.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    sent.end(text);
  });
}

/** Does the work `rate` times a second, whether or not earlier ones have ended, until it is aborted. Waits for all. */
async function repeat(rate: number, signal: AbortSignal, work: (i: number, dueMs: number) => Promise<void>): Promise<void> {
  const startedMs = performance.now();
  const under = new Set<Promise<void>>();
  for (let i = 0; rate > 0 && !signal.aborted; i++) {
    const dueMs = startedMs + (i * 1000) / rate;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0.5) await delay(waitMs);
    const one = work(i, dueMs).finally(() => under.delete(one));
    under.add(one);
  }
  await Promise.all(under);
}

let loads = 0;

export function startSteadyLoad(options: SteadyLoadOptions): SteadyLoad {
  const { gateways, key, userIds, itemIds, rate, eventRate, attemptMs = 10_000 } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const stopped = new AbortController();
  const name = `load-${process.pid}-${++loads}`;
  const startedMs = performance.now();
  const failed: Failure[] = [];
  const refused: Failure[] = [];
  const grades: Record<string, number> = {};
  const latencies: number[] = [];
  const accepted = new Map<string, string[]>();
  let asked = 0;
  let secondAsked = 0;
  let events = 0;
  const failure = (what: string): Failure => ({ atSeconds: (performance.now() - startedMs) / 1000, what: what.slice(0, 300) });
  const gateway = (turn: number): string => gateways[turn % gateways.length]!;

  /** The grade of an answer with items. Throws what else came. */
  const gradeOf = async (path: string, turn: number): Promise<string> => {
    const { status, text } = await ask(agent, `${gateway(turn)}${path}`, key, attemptMs);
    const answer = status === 200 ? (JSON.parse(text) as { readonly grade: string; readonly items: readonly unknown[] }) : null;
    if (answer === null || answer.items.length === 0) throw new Error(`${status} ${text}`);
    return answer.grade;
  };
  const recommend = async (i: number, dueMs: number): Promise<void> => {
    asked++;
    const path = `/v1/recommendations?user_id=${encodeURIComponent(userIds[i % userIds.length]!)}&n=12`;
    const causes: string[] = [];
    for (let attempt = 0; attempt < gateways.length; attempt++) {
      try {
        const grade = await gradeOf(path, i + attempt);
        grades[grade] = (grades[grade] ?? 0) + 1;
        latencies.push(performance.now() - dueMs);
        if (attempt > 0) secondAsked++;
        return;
      } catch (error) {
        causes.push((error as Error).message);
      }
    }
    failed.push(failure(causes.join("; ")));
  };
  const send = async (i: number): Promise<void> => {
    events++;
    const subject = `${name}-${Math.floor(i / eventsPerSubject)}`;
    const itemId = itemIds[i % itemIds.length]!;
    try {
      const event = { event_id: `${name}-${i}`, subject, item_id: itemId, type: "purchase" };
      const { status, text } = await ask(agent, `${gateway(i)}/v1/events`, key, eventMs, { events: [event] });
      if (status === 200 && (JSON.parse(text) as { readonly accepted: number }).accepted === 1) {
        accepted.set(subject, [...(accepted.get(subject) ?? []), itemId]);
      } else refused.push(failure(`${status} ${text}`));
    } catch (error) {
      refused.push(failure((error as Error).message));
    }
  };
  const running = Promise.all([repeat(rate, stopped.signal, recommend), repeat(eventRate, stopped.signal, send)]);
  return {
    stop: async () => {
      stopped.abort();
      await running;
      agent.destroy();
      const sorted = latencies.sort((a, b) => a - b);
      const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
      const seconds = (performance.now() - startedMs) / 1000;
      return { seconds, asked, failed, secondAsked, grades, p50: at(0.5), p99: at(0.99), longest: at(1), events, refused, accepted };
    },
  };
}

/** Which acknowledged events profiles do not hold, looked for until all are there or `patienceSeconds` have passed. */
export async function lostEvents(
  { gateways, key }: Pick<SteadyLoadOptions, "gateways" | "key">,
  accepted: SteadyLoadReport["accepted"],
  patienceSeconds = 90,
): Promise<string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const missing = async (): Promise<string[]> => {
    const lost: string[] = [];
    for (const [subject, itemIds] of accepted) {
      const { status, text } = await ask(agent, `${gateways[0]}/v1/users/${encodeURIComponent(subject)}`, key, eventMs);
      const events = status === 200 ? (JSON.parse(text) as { readonly events: readonly { readonly item_id: string }[] }).events : [];
      const held = events.map(({ item_id }) => item_id);
      for (const itemId of itemIds) {
        const place = held.indexOf(itemId);
        if (place < 0) lost.push(`${subject} ${itemId}`);
        else held.splice(place, 1);
      }
    }
    return lost;
  };
  const end = performance.now() + patienceSeconds * 1000;
  let lost = await missing();
  while (lost.length > 0 && performance.now() < end) {
    await delay(500);
    lost = await missing();
  }
  agent.destroy();
  return lost;
}
