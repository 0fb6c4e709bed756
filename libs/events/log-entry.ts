/** What one record of the topic of events says, and the records that say it. The contract for other producers is docs/events.md. */

import { EraseSubject, MergeSession } from "#protos/events.ts";
import { decodeEvent, encodeEvent } from "./codec.ts";
import type { Event } from "./event.ts";
import { eventFromJsonText } from "./json.ts";
import { aheadSecondsMax, idProblem } from "./limits.ts";

/** A record as the bus takes and gives it. */
export interface LogRecord {
  readonly key: string;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/** A place in the log. */
export interface LogPlace {
  /** "<epoch>/<number>". */
  readonly partition: string;
  readonly offset: number;
}

export type LogEntry =
  | {
      readonly kind: "event";
      readonly event: Event;
      /** Where the login stands that made this session's event the user's; null for an event that was not copied. Counted already as the session's. */
      readonly copied: LogPlace | null;
    }
  | { readonly kind: "merge"; readonly merge: MergeSession }
  | { readonly kind: "erase"; readonly erase: EraseSubject };

export const kindHeader = "modiste-kind";
/** Of a copy that a login made: the login's place, "<partition>@<offset>". */
export const copiedHeader = "modiste-copied";
export const contentTypeHeader = "content-type";
const json = "application/json";

export const eventRecord = (event: Event, headers: LogRecord["headers"] = {}): LogRecord => ({
  key: event.subject,
  value: encodeEvent(event),
  headers,
});

/** The copy of a session's event that a login makes: the user is its subject. */
export const copiedRecord = (event: Event, { partition, offset }: LogPlace): LogRecord =>
  eventRecord(event, { [copiedHeader]: `${partition}@${offset}` });

export const mergeRecord = (merge: MergeSession, headers: LogRecord["headers"] = {}): LogRecord => ({
  key: merge.session,
  value: MergeSession.encode(merge).finish(),
  headers: { ...headers, [kindHeader]: "merge" },
});

export const eraseRecord = (erase: EraseSubject, headers: LogRecord["headers"] = {}): LogRecord => ({
  key: erase.subjectKey,
  value: EraseSubject.encode(erase).finish(),
  headers: { ...headers, [kindHeader]: "erase" },
});

/** What is read of a record. */
interface ReadableRecord extends Pick<LogRecord, "value" | "headers"> {
  /** Seconds since 1970 UTC; absent or 0 where it is not known. */
  readonly publishedSeconds?: number;
}

/**
 * Why an event cannot be held, null when it can. The gateway checks what it publishes; others may write to the bus too. What the record itself says
 * decides, whenever it is read: an event far ahead would make all that was counted of its item look old. How old an event may be, no rule says.
 */
function cannotHold({ subject, itemId, eventId, value, timeSeconds }: Event, publishedSeconds: number): string | null {
  const ids = [
    ["subject", subject, false],
    ["item_id", itemId, false],
    ["event_id", eventId, true],
  ] as const;
  for (const [field, id, optional] of ids) {
    const problem = idProblem(id, { optional });
    if (problem) return `${field} ${problem}`;
  }
  if (!(Number.isFinite(value) && value >= 0)) return "value is not a number of 0 or more";
  if (timeSeconds <= 0) return "time_seconds is not after 1970";
  return publishedSeconds > 0 && timeSeconds > publishedSeconds + aheadSecondsMax
    ? "time_seconds is more than a day ahead of the record's own time"
    : null;
}

/** Null where nothing is said; in words why it is no place. */
function readPlace(text: string | undefined): LogPlace | null | string {
  if (text === undefined) return null;
  const [, partition, offset] = /^([^\s@]{1,200}\/\d{1,9})@(\d{1,15})$/.exec(text) ?? [];
  return partition === undefined ? `header ${copiedHeader} is not of the form <partition>@<offset>` : { partition, offset: Number(offset) };
}

function readEvent({ value, headers, publishedSeconds = 0 }: ReadableRecord): LogEntry | string {
  const event = headers[contentTypeHeader] === json ? eventFromJsonText(Buffer.from(value).toString("utf8")) : decodeEvent(value);
  if (event === null) return "unknown event type";
  const copied = readPlace(headers[copiedHeader]);
  if (typeof copied === "string") return copied;
  return cannotHold(event, publishedSeconds) ?? { kind: "event", event, copied };
}

function readMerge(value: Uint8Array): LogEntry | string {
  const merge = MergeSession.decode(value);
  const problem = idProblem(merge.user);
  if (problem) return `user ${problem}`;
  return merge.session.startsWith("session:") && merge.session.length > 8
    ? { kind: "merge", merge }
    : "session is not of the form session:<id>";
}

/** The entry, or in words why there is none; such a record must not stop the others. */
export function readEntry(record: ReadableRecord): { readonly entry: LogEntry } | { readonly cause: string } {
  const kind = record.headers[kindHeader] ?? "event";
  try {
    const read =
      kind === "event"
        ? readEvent(record)
        : kind === "merge"
          ? readMerge(record.value)
          : kind === "erase"
            ? ({ kind: "erase", erase: EraseSubject.decode(record.value) } as const)
            : `unknown kind "${kind.slice(0, 64)}"`;
    return typeof read === "string" ? { cause: read } : { entry: read };
  } catch (cause) {
    return { cause: `not ${kind === "event" ? "an event" : `of kind ${kind}`}: ${(cause as Error).message}` };
  }
}
