/** Joins runs of a session that come at the same time into one, along a named size. */

import { invalid, ModisteError } from "#libs/core/errors.ts";
import { countOf, formatShape, type Shape } from "../dims.ts";
import type { Graph } from "../graph.ts";
import { nameOf } from "../tensor.ts";
import { feedOf, type Slot, sizesOf, slotsOf } from "./feeds.ts";
import type { Feeds, FeedValues, Session, Sizes } from "./session.ts";

export interface BatchOptions {
  /** What the session runs; parameters are its own. */
  readonly graph: Graph;
  /** The size that rows are counted in: the first axis of every input and output, and nowhere else. */
  readonly size: string;
  /** Most rows of one joined run; a run that has more by itself runs alone. */
  readonly rowsMax: number;
  /** Milliseconds that a run which finds the session idle waits for others; 0: for those of the same turn of the event loop. */
  readonly waitMs: number;
}

type Outputs = Readonly<Record<string, Float32Array>>;

interface Waiting {
  readonly feeds: Feeds;
  readonly rows: number;
  readonly resolve: (outputs: Outputs) => void;
  readonly reject: (cause: unknown) => void;
}

/** Values of a row. Throws `invalid_argument` for a shape that cannot be cut along the size. */
function rowValues(name: string, shape: Shape, size: string): number {
  const values = countOf(shape.slice(1));
  if (shape[0] === size && typeof values === "number") return values;
  throw invalid(name, `cannot be joined along "${size}": ${formatShape(shape)}`, "batch_shape");
}

/** One after the other, in an array of the same type. */
function join(parts: readonly FeedValues[]): FeedValues {
  const [first] = parts as [FeedValues];
  if (parts.length === 1) return first;
  const joined = new (first.constructor as new (length: number) => FeedValues)(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

class BatchedSession implements Session {
  readonly executor: string;
  readonly #session: Session;
  readonly #options: BatchOptions;
  readonly #slots: readonly Slot[];
  readonly #outputs: readonly (readonly [string, number])[];
  readonly #waiting: Waiting[] = [];
  /** Wakes the line up; unset while a run is under way, whose end does it. */
  #alarm: { readonly stop: () => void } | null = null;
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(session: Session, options: BatchOptions) {
    const { graph, size } = options;
    this.executor = session.executor;
    this.#session = session;
    this.#options = options;
    this.#slots = slotsOf(graph, Object.fromEntries(graph.parameters.map((tensor) => [nameOf(tensor), true])));
    for (const { name, shape } of this.#slots) rowValues(name, shape, size);
    this.#outputs = Object.entries(graph.outputs).map(([name, { shape }]) => [name, rowValues(name, shape, size)]);
  }

  /** Feeds are checked here, so that a wrong one fails nobody else's run. */
  async run(feeds: Feeds, sizes: Sizes = {}): Promise<Outputs> {
    if (this.#closed) throw new ModisteError("failed_precondition", "session_closed", "the session was closed");
    const rows = sizesOf(this.#slots, feeds, sizes)[this.#options.size]!;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ feeds, rows, resolve, reject });
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#running !== null) return;
    const { rowsMax, waitMs } = this.#options;
    if (waitMs > 0 && this.#waiting.reduce((sum, { rows }) => sum + rows, 0) >= rowsMax) this.#start();
    else this.#alarm ??= this.#wait(waitMs);
  }

  #wait(waitMs: number): { readonly stop: () => void } {
    if (waitMs > 0) {
      const timer = setTimeout(() => this.#start(), waitMs);
      return { stop: () => clearTimeout(timer) };
    }
    const turn = setImmediate(() => this.#start());
    return { stop: () => clearImmediate(turn) };
  }

  #start(): void {
    this.#alarm?.stop();
    this.#alarm = null;
    if (this.#waiting.length > 0) this.#running = this.#drain();
  }

  /** Until nobody waits: what came during a run goes together in the next one. */
  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#runOnce(this.#take());
    // In the same breath as the look at the line, or a run that came in between would wait for ever.
    this.#running = null;
  }

  /** The first of the line and those behind it that fit. */
  #take(): Waiting[] {
    let rows = 0;
    const fitting = this.#waiting.findIndex((each, i) => {
      rows += each.rows;
      return i > 0 && rows > this.#options.rowsMax;
    });
    return this.#waiting.splice(0, fitting === -1 ? this.#waiting.length : fitting);
  }

  async #runOnce(batch: readonly Waiting[]): Promise<void> {
    const { size } = this.#options;
    try {
      const feeds = Object.fromEntries(this.#slots.map((slot) => [slot.name, join(batch.map((each) => feedOf(slot, each.feeds)))]));
      const outputs = await this.#session.run(feeds, { [size]: batch.reduce((sum, { rows }) => sum + rows, 0) });
      let at = 0;
      for (const { rows, resolve } of batch) {
        const [from, to] = [at, at + rows];
        // A copy: the session's outputs are valid until its next run only.
        resolve(Object.fromEntries(this.#outputs.map(([name, width]) => [name, outputs[name]!.slice(from * width, to * width)])));
        at = to;
      }
    } catch (cause) {
      for (const { reject } of batch) reject(cause);
    }
  }

  /** Who waits is refused as `cancelled`; the run under way ends first. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#alarm?.stop();
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new ModisteError("cancelled", "session_closed", "the session was closed while the run waited"));
    }
    await this.#running;
    await this.#session.close();
  }
}

/** The session, with one run at a time. Throws `invalid_argument` for a graph whose inputs and outputs are not all rows. */
export const batchRuns = (session: Session, options: BatchOptions): Session => new BatchedSession(session, options);
