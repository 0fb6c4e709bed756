/** Sends lines of events to a gateway, batch after batch; a gateway that has too much is asked again. */

import { createReadStream } from "node:fs";
import { access, appendFile, constants, writeFile } from "node:fs/promises";
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

/** Throws `not_found` naming the file that cannot be read. */
async function* batchesOf(file: string): AsyncGenerator<string[]> {
  if (file !== "-") await access(file, constants.R_OK).catch((cause: Error) => Promise.reject(unreadable(file, cause)));
  const input = file === "-" ? process.stdin : createReadStream(file);
  let batch: string[] = [];
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
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
  if (options.rejects !== undefined) await writeFile(options.rejects, "");
  for await (const lines of batchesOf(options.file)) {
    const results = await post(lines, options);
    const refused = results.flatMap((result, i) => (result.accepted ? [] : [{ ...result, line: lines[i]! }]));
    sent += lines.length;
    accepted += lines.length - refused.length;
    for (const { reason, message } of refused.slice(0, 3)) options.say(`refused: ${reason}: ${message}`);
    if (options.rejects === undefined || refused.length === 0) continue;
    await appendFile(
      options.rejects,
      refused.map(({ reason, message, line }) => `${JSON.stringify({ reason, message, line })}\n`).join(""),
    );
  }
  return { sent, accepted, refused: sent - accepted };
}
