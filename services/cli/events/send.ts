/** Sends lines of events to a gateway, batch after batch; a gateway that has too much is asked again. */

import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { access, appendFile, constants, stat, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { ModisteError } from "#libs/core/errors.ts";
import { eventBatchMax } from "#libs/events/limits.ts";

export interface SendOptions {
  /** Path, or "-" for the standard input. */
  readonly file: string;
  /** Of the gateway, such as "http://127.0.0.1:8080". */
  readonly url: string;
  readonly key: string | undefined;
  /** Where refused lines go, each with its reason. */
  readonly rejects: string | undefined;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

export interface Sent {
  readonly sent: number;
  readonly accepted: number;
  readonly refused: number;
}

interface Result {
  readonly accepted: boolean;
  readonly reason: string;
  readonly message: string;
}

/** Tries of one batch while the gateway says that it has too much or is not ready. */
const triesMax = 20;

const byteOrderMark = "\ufeff";

/** Throws `not_found` naming the file that cannot be read, `invalid_argument` naming a folder. */
async function* batchesOf(file: string): AsyncGenerator<string[]> {
  if (file !== "-") await requireFile(file);
  const input = file === "-" ? process.stdin : createReadStream(file);
  let batch: string[] = [];
  let isFirst = true;
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const line = isFirst && text.startsWith(byteOrderMark) ? text.slice(1) : text;
    isFirst = false;
    if (line.trim() === "") continue;
    batch.push(line);
    if (batch.length < eventBatchMax) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

const unreadable = (file: string, cause: Error): ModisteError =>
  new ModisteError("not_found", "file_unreadable", `${file} cannot be read: ${cause.message}`, { cause, field: file });

async function requireFile(file: string): Promise<void> {
  const found = await access(file, constants.R_OK)
    .then(() => stat(file))
    .catch((cause: Error) => Promise.reject(unreadable(file, cause)));
  if (found.isDirectory())
    throw new ModisteError("invalid_argument", "not_a_file", `${file} is a folder; give a file of events`, { field: file });
}

/**
 * An event without an id gets one here: a gateway that answers 503 may have taken it already, and makes a new id each time it is sent. What is no
 * JSON object goes as it is, to be refused with its reason.
 */
function withEventId(line: string): string {
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event !== "object" || event === null || Array.isArray(event)) return line;
    const { event_id = "" } = event as { readonly event_id?: unknown };
    return event_id === "" ? JSON.stringify({ ...event, event_id: randomUUID() }) : line;
  } catch {
    return line;
  }
}

/** Throws what keeps the batch from being taken, naming the gateway's words. */
async function post(lines: readonly string[], { url, key, signal, say }: SendOptions): Promise<readonly Result[]> {
  const headers = { "content-type": "application/x-ndjson", ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) };
  for (let tries = 1; ; tries++) {
    const response = await fetch(`${url}/v1/events`, { method: "POST", headers, body: lines.join("\n"), signal }).catch((cause: Error) => {
      signal.throwIfAborted();
      throw new ModisteError("unavailable", "no_gateway", `no gateway answers at ${url}`, { cause });
    });
    if (response.status === 200) return ((await response.json()) as { results: Result[] }).results;
    const text = await response.text();
    if ((response.status !== 429 && response.status !== 503) || tries === triesMax)
      throw new ModisteError("unavailable", "gateway_refused", `${url} answered ${response.status}: ${text.slice(0, 500)}`);
    const pauseSeconds = Number(response.headers.get("retry-after") ?? "1");
    say(`${url} has too much or is not ready: again in ${pauseSeconds} s`);
    await delay(pauseSeconds * 1000, undefined, { signal });
  }
}

/** Throws `unavailable` when the gateway cannot be reached or refuses a whole batch; what was accepted before is durable. */
export async function sendEvents(options: SendOptions): Promise<Sent> {
  let [sent, accepted] = [0, 0];
  const { rejects } = options;
  if (rejects !== undefined)
    await writeFile(rejects, "").catch((cause: Error) => {
      throw new ModisteError("invalid_argument", "file_unwritable", `${rejects} cannot be written: ${cause.message}`, {
        cause,
        field: rejects,
      });
    });
  for await (const lines of batchesOf(options.file)) {
    const results = await post(lines.map(withEventId), options);
    const refused = results.flatMap((result, i) => (result.accepted ? [] : [{ ...result, line: lines[i]! }]));
    sent += lines.length;
    accepted += lines.length - refused.length;
    for (const { reason, message } of refused.slice(0, 3)) options.say(`refused: ${reason}: ${message}`);
    if (rejects === undefined || refused.length === 0) continue;
    await appendFile(rejects, refused.map(({ reason, message, line }) => `${JSON.stringify({ reason, message, line })}\n`).join(""));
  }
  return { sent, accepted, refused: sent - accepted };
}
