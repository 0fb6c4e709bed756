/** What the contract suites of the event bus are given, and the records that they publish. */

import type { BusRecord, EventBus } from "#libs/bus/bus.ts";

export interface BusHarness {
  readonly bus: EventBus;
  /** Nobody else's, and empty. */
  readonly topic: string;
  /** A second connection to the same bus, as another process would have. */
  other(): Promise<EventBus>;
  /** Makes the topic wider. Where an adapter has one partition only: absent. */
  addPartitions?(count: number): Promise<void>;
  remove(): Promise<void>;
}

/** Opens a bus whose topics have so many partitions, where the adapter has more than one at all. */
export type OpenBus = (partitions: number) => Promise<BusHarness>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const record = (text: string): BusRecord => ({ key: `key ${text}`, value: encoder.encode(text) });
export const textOf = ({ value }: Pick<BusRecord, "value">): string => decoder.decode(value);
