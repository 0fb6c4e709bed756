/** Every measure of lists beyond hits; a new one is its file, its test and a line here. */

import { coverage } from "./coverage.ts";
import { diversity } from "./diversity.ts";
import { gini } from "./gini.ts";
import type { Measure } from "./measure.ts";
import { newItemShare } from "./new-item-share.ts";
import { novelty } from "./novelty.ts";
import { popularityLift } from "./popularity-lift.ts";
import { repeatShare } from "./repeat-share.ts";

export const measures: readonly Measure[] = [coverage, gini, novelty, diversity, popularityLift, repeatShare, newItemShare];
