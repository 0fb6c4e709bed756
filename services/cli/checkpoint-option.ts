/** The option of every command that trains for long. */

import { checkpointSteps } from "./training/checkpoints.ts";
import { wholeNumber } from "./whole-number.ts";

export const checkpointOption = [
  "--checkpoint-every <steps>",
  "steps of SASRec between two checkpoints, from which a training that was stopped goes on; 0: none",
  wholeNumber("--checkpoint-every", 0),
  checkpointSteps,
] as const;
