/** One small node with everything inside: for people who develop, Tilt and the test on a real cluster. */

import type { Environment } from "../environment.ts";

export const dev: Environment = {
  name: "dev",
  namespace: "modiste-dev",
  registry: "",
  scale: null,
  kafka: "inside",
  redis: "inside",
  telemetry: "inside",
  releases: { volumeGiB: 2 },
  gpu: null,
  clients: "anyone",
  page: true,
  archiving: { schedule: "7 * * * *", suspended: true },
  retraining: { schedule: "17 3 * * *", suspended: true, base: "synth-small", cpu: 2, memoryMiB: 3072, dataGiB: 5 },
  live: false,
};
