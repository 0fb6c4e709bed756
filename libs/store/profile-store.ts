/** The port of the profile store. Profiles stand under keys that tell nothing of their subjects (`subject-key.ts`). */

import type { Profile, ProfileChange } from "./profile.ts";

export interface ProfileBatch {
  readonly key: string;
  /** Ascending by offset. */
  readonly changes: readonly ProfileChange[];
}

/** Offsets of the bus that a batch covers. */
export interface OffsetSpan {
  /** The offset that the batch was read from: everything before it was applied. */
  readonly from: number;
  /** The offset after the batch. */
  readonly next: number;
}

export interface SeededProfile {
  readonly key: string;
  readonly profile: Profile;
}

export interface ProfileStore {
  /** In the order of the keys; null where the store has nothing. One round trip. */
  get(keys: readonly string[]): Promise<(Profile | null)[]>;
  /**
   * Applies the batches, each key once, every profile in one atomic step, and then moves the partition's position, never back. Changes that were
   * applied before are left out, so a repeated call changes nothing. A stored profile that cannot be read is put aside and its subject begins anew.
   * Answers the profiles as they then stand, in the order of the batches: what follows from a batch needs no second read.
   * Throws `failed_precondition` "position_lost" when the store stands before `from`: it has lost writes, or is another one.
   */
  apply(partition: string, batches: readonly ProfileBatch[], span: OffsetSpan): Promise<Profile[]>;
  /** Where to go on with a partition; 0 for one that was never applied. Not after anything that may have been lost. */
  position(partition: string): Promise<number>;
  /** Replaces the seeded part of profiles; events that came over the bus stay, and who was erased stays so. Resolves when they are as durable as the store makes them. */
  seed(profiles: readonly SeededProfile[]): Promise<void>;
  /** Throws `failed_precondition` "other_key" when the store was claimed with another mark: its keys would all miss. */
  claim(mark: string): Promise<void>;
  /** Every profile, in no order. */
  all(): AsyncIterable<readonly [key: string, profile: Profile]>;
  /** Profiles held, erasures among them. */
  count(): Promise<number>;
  close(): Promise<void>;
}
