/** The port of the catalogue's change log: what was said last of each item, numbered in the order in which it came, for replicas that follow. */

import type { OffsetSpan } from "./profile-store.ts";

/** What the bus says of one item. */
export interface ItemChange {
  readonly offset: number;
  readonly itemId: string;
  /** An encoded message; the store does not look into it. */
  readonly value: Uint8Array;
}

export interface NumberedChange {
  /** Greater than that of every change before it. */
  readonly number: number;
  readonly itemId: string;
  readonly value: Uint8Array;
}

export interface ChangeStore {
  /**
   * Numbers the changes and moves the partition's position in one atomic step; offsets below the held position are left out, so a repeated call
   * changes nothing. Of an item only the latest change is kept. Throws `failed_precondition` "position_lost" when the store stands before `from`.
   */
  append(partition: string, changes: readonly ItemChange[], span: OffsetSpan): Promise<void>;
  /** Where to go on with a partition; 0 for one that was never appended. */
  position(partition: string): Promise<number>;
  /** At most `limit` changes with a greater number, ascending; of each item the latest alone. */
  since(number: number, limit: number): Promise<readonly NumberedChange[]>;
  /** The latest change of each item, null where there is none; in the order asked for. */
  latest(itemIds: readonly string[]): Promise<readonly (Uint8Array | null)[]>;
  /** The greatest number given out, 0 before any: one that falls says that the store has lost writes, and what was followed is to be read anew. */
  last(): Promise<number>;
  close(): Promise<void>;
}
