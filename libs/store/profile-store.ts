/** The port of the profile store. */

import type { OffsetEvent, Profile } from "./profile.ts";

export interface SubjectBatch {
  readonly subject: string;
  /** Ascending by offset. */
  readonly events: readonly OffsetEvent[];
}

export interface ProfileStore {
  /** In the order of the subjects; null where the store knows nothing. One round trip. */
  get(subjects: readonly string[]): Promise<(Profile | null)[]>;
  /**
   * Applies the batches and moves the partition's position in one atomic step. Events that were applied before are left
   * out, so a repeated call changes nothing. A stored profile that cannot be read is put aside and its subject begins anew.
   */
  apply(partition: string, batches: readonly SubjectBatch[], nextOffset: number): Promise<void>;
  /** Next offset of a partition; 0 for one that was never applied. */
  position(partition: string): number;
  /** Replaces the seeded part of profiles; events that came over the bus stay. Resolves when they are flushed. */
  seed(profiles: readonly Profile[]): Promise<void>;
  count(): number;
  close(): Promise<void>;
}
