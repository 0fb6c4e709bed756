/** Positions of `scores`, highest first; not finite sinks to the end, ties keep the order of the table. */
export function orderByScore(scores: Float64Array): Int32Array {
  const keys = scores.map((score) => (Number.isFinite(score) ? score : Number.NEGATIVE_INFINITY));
  // Two infinities give NaN, which falls through to the order of the table as a tie does.
  return Int32Array.from(scores.keys()).sort((a, b) => keys[b]! - keys[a]! || a - b);
}
