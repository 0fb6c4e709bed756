/** A store that stands before what its writer has written already. */

import { ModisteError } from "#libs/core/errors.ts";

const reason = "position_lost";

export const positionLost = (partition: string, position: number, from: number): ModisteError =>
  new ModisteError(
    "failed_precondition",
    reason,
    `the store stands at ${position} of partition ${partition}, what comes begins at ${from}: it has lost writes`,
  );

export const isPositionLost = (error: unknown): boolean => error instanceof ModisteError && error.reason === reason;
