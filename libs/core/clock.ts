/** The only place that asks the machine for the time, so that tests can stand still. */

export interface Clock {
  /** Wall clock, seconds since 1970 UTC, with fractions. */
  nowSeconds(): number;
  /** Monotonic, milliseconds, with fractions; only differences mean something. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  nowSeconds: () => Date.now() / 1000,
  monotonicMs: () => performance.now(),
};

export const secondsPerDay = 86_400;
export const secondsPerWeek = 604_800;
