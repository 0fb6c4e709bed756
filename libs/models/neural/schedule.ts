/** Learning rates over the steps of a training. */

export interface Schedule {
  /** The largest rate. */
  readonly rate: number;
  readonly steps: number;
  /** Share of the steps in which the rate rises from 0. */
  readonly warmUp: number;
  /** `cosine`: falls to 0 (Loshchilov and Hutter, SGDR, ICLR 2017, equation 5, without restarts); `constant`: stays. */
  readonly decay: "cosine" | "constant";
}

/** Rate of step `step`, which counts from 1. */
export function rateAt({ rate, steps, warmUp, decay }: Schedule, step: number): number {
  const rising = Math.max(1, Math.round(steps * warmUp));
  if (step < rising) return (rate * step) / rising;
  if (decay === "constant") return rate;
  return (rate * (1 + Math.cos((Math.PI * (step - rising)) / Math.max(1, steps - rising)))) / 2;
}
