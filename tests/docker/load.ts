/** Requests at a steady rate, whether answered or not, and events beside them, over a list of gateways as a load balancer would use it. */

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ask } from "./ask.ts";

export interface Tally {
  requests: number;
  /** Answered with 200 and items by no gateway. */
  failed: number;
  /** Answered by the second gateway asked. */
  secondAsked: number;
  readonly grades: Record<string, number>;
  readonly latenciesMs: number[];
  /** Why requests failed, counted. */
  readonly failures: Record<string, number>;
  eventsAcknowledged: number;
  /** Refused or unanswered: the shop keeps them and sends again; not lost. */
  eventsRefused: number;
}

const emptyTally = (): Tally => ({
  requests: 0,
  failed: 0,
  secondAsked: 0,
  grades: {},
  latenciesMs: [],
  failures: {},
  eventsAcknowledged: 0,
  eventsRefused: 0,
});

export interface LoadOptions {
  readonly gateways: readonly string[];
  readonly users: readonly string[];
  readonly requestsPerSecond: number;
  readonly eventsPerSecond: number;
}

/** A balancer gives a gateway this long before it asks another, milliseconds. */
const attemptLimitMs = 1000;
/** Broker and stores may be away: an event may wait for its acknowledgement, milliseconds. */
const eventLimitMs = 5000;
/** Events of one subject: well below the 200 that a profile holds. */
const eventsPerSubject = 50;

const count = (into: Record<string, number>, word: string): void => {
  into[word] = (into[word] ?? 0) + 1;
};

const wordOf = (cause: unknown): string => (cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)).slice(0, 240);

export class Load {
  /** Acknowledged ids of events, by subject. */
  readonly acknowledged = new Map<string, Set<string>>();
  readonly #options: LoadOptions;
  readonly #stop = new AbortController();
  readonly #underway = new Set<Promise<void>>();
  readonly #loops: Promise<void>[];
  #items: readonly string[] = [];
  #tally = emptyTally();
  #turn = 0;
  #sent = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#loops = [
      this.#every(1000 / options.requestsPerSecond, () => this.#recommend()),
      this.#every(1000 / options.eventsPerSecond, () => this.#event()),
    ];
  }

  /** What has come together since the last call. */
  take(): Tally {
    const taken = this.#tally;
    this.#tally = emptyTally();
    return taken;
  }

  /** Resolves when everything sent is answered. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
    await Promise.all(this.#underway);
  }

  async #every(periodMs: number, send: () => Promise<void>): Promise<void> {
    const start = performance.now();
    for (let n = 0; !this.#stop.signal.aborted; n++) {
      const waitMs = start + n * periodMs - performance.now();
      if (waitMs > 0) await delay(waitMs);
      const work = send();
      this.#underway.add(work);
      void work.finally(() => this.#underway.delete(work));
    }
  }

  async #recommend(): Promise<void> {
    const tally = this.#tally;
    const { gateways, users } = this.#options;
    const turn = this.#turn++;
    const user = users[turn % users.length]!;
    const start = performance.now();
    tally.requests++;
    for (const [attempt, offset] of [0, 1].entries()) {
      const gateway = gateways[(turn + offset) % gateways.length]!;
      try {
        const { status, body } = await ask(`${gateway}/v1/recommendations?n=12&user_id=${encodeURIComponent(user)}`, attemptLimitMs);
        const answer = body as { items?: { item_id: string }[]; grade?: string };
        if (status !== 200 || !answer.items?.length) throw new Error(`${status} ${JSON.stringify(answer)}`);
        count(tally.grades, answer.grade ?? "FULL");
        tally.latenciesMs.push(performance.now() - start);
        tally.secondAsked += attempt;
        this.#items = answer.items.map(({ item_id }) => item_id);
        return;
      } catch (cause) {
        count(tally.failures, wordOf(cause));
      }
    }
    tally.failed++;
  }

  async #event(): Promise<void> {
    const tally = this.#tally;
    const { gateways } = this.#options;
    const item = this.#items[this.#sent % Math.max(1, this.#items.length)];
    if (item === undefined) return;
    const subject = `shopper-${Math.floor(this.#sent / eventsPerSubject)}`;
    const gateway = gateways[this.#sent++ % gateways.length]!;
    const id = randomUUID();
    const event = { event_id: id, subject, item_id: item, type: "view" };
    try {
      const { status, body } = await ask(`${gateway}/v1/events`, eventLimitMs, { events: [event] });
      if (status !== 200 || (body as { accepted?: number }).accepted !== 1) throw new Error(`${status} ${JSON.stringify(body)}`);
      const known = this.acknowledged.get(subject) ?? new Set();
      this.acknowledged.set(subject, known.add(id));
      tally.eventsAcknowledged++;
    } catch (cause) {
      count(tally.failures, `event: ${wordOf(cause)}`);
      tally.eventsRefused++;
    }
  }
}
