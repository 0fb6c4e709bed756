/** All interactions of a data set in memory, grouped by user. */

/**
 * User `u`'s interactions are [offsets[u], offsets[u + 1]), ascending by (time, source row).
 * 13 bytes an interaction: the 31.8 M purchases of the full H&M data take 413 MB.
 */
export interface Interactions {
  readonly userCount: number;
  readonly itemCount: number;
  /** [users + 1]. */
  readonly offsets: Int32Array;
  /** Dense item index, [interactions]. */
  readonly items: Int32Array;
  /** Seconds since 1970 UTC, [interactions]. */
  readonly times: Uint32Array;
  /** `eventCode` of libs/events, [interactions]. */
  readonly types: Uint8Array;
  /** Price paid for one piece, 0 when not known, [interactions]. */
  readonly values: Float32Array;
}
