/** What profiles and counters must hold by the log alone, told again in plain words: nothing of the stores' own code but the messages' codec. */

import { type EventBus, readPublished, topics } from "#libs/bus/bus.ts";
import { EventType, Event as Message } from "#protos/types.ts";

export interface PlainEvent {
  readonly eventId: string;
  readonly itemId: string;
  readonly type: number;
  readonly timeSeconds: number;
  readonly value: number;
}

export interface PlainRecount {
  /** Ascending by time and id, by subject; users whom a session logged in to are left out: what that brought depends on when it was dealt with. */
  readonly events: ReadonlyMap<string, readonly PlainEvent[]>;
  /** Events by item and type, "<item> <code of the type>". */
  readonly counts: ReadonlyMap<string, number>;
}

const eachMax = 200;
const opinions: readonly number[] = [EventType.EVENT_TYPE_LIKE, EventType.EVENT_TYPE_DISLIKE, EventType.EVENT_TYPE_REMOVE];

function decode(value: Uint8Array): Message | null {
  try {
    return Message.decode(value);
  } catch {
    return null;
  }
}

function bounded(events: readonly PlainEvent[]): PlainEvent[] {
  const newestFirst = events.toSorted((a, b) => b.timeSeconds - a.timeSeconds || (a.eventId < b.eventId ? 1 : -1));
  const latest = (holds: (event: PlainEvent) => boolean): PlainEvent[] => newestFirst.filter(holds).slice(0, eachMax);
  const kept = new Set([
    ...latest(() => true),
    ...latest(({ type }) => type === EventType.EVENT_TYPE_PURCHASE),
    ...latest(({ type }) => opinions.includes(type)),
  ]);
  return newestFirst.filter((event) => kept.has(event)).reverse();
}

/** Of a log without erasures. */
export async function plainRecount(bus: EventBus): Promise<PlainRecount> {
  const bySubject = new Map<string, Map<string, PlainEvent>>();
  const loggedIn = new Set<string>();
  const counts = new Map<string, number>();
  await readPublished(bus, topics.events, async ({ records }) => {
    for (const { key, value, headers } of records) {
      if ("modiste-copied" in headers) loggedIn.add(key);
      if ("modiste-copied" in headers || "modiste-kind" in headers) continue;
      const message = decode(value);
      if (message === null) continue;
      const { eventId, itemId, type, timeSeconds, subject } = message;
      const counted = `${itemId} ${type}`;
      counts.set(counted, (counts.get(counted) ?? 0) + 1);
      const held = bySubject.get(subject) ?? new Map<string, PlainEvent>();
      bySubject.set(subject, held);
      if (!held.has(eventId)) held.set(eventId, { eventId, itemId, type, timeSeconds, value: message.value });
    }
  });
  const events = [...bySubject]
    .filter(([subject]) => !loggedIn.has(subject))
    .map(([subject, held]) => [subject, bounded([...held.values()])] as const);
  return { events: new Map(events), counts };
}
