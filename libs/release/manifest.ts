/** What a release says of itself. */

import { z } from "zod";
import { ModisteError } from "#libs/core/errors.ts";

/** Raised when the layout of parts changes in a way that older code cannot read. */
export const releaseFormat = 1;

/** Of a part or a file: one level of a path, for it becomes one where the release is fetched. */
const plainName = z.string().regex(/^\w[\w.-]{0,254}$/);

const file = z.object({ name: plainName, bytes: z.number().int().nonnegative(), sha256: z.string().length(64) });

const figure = z.object({ value: z.number(), low: z.number().optional(), high: z.number().optional(), users: z.number().int().optional() });

const golden = z.object({
  /** Words for a person. */
  name: z.string(),
  user_id: z.string(),
  /** What was known of the user, so that the request can be asked again without any store; `types` are event codes. */
  events: z
    .object({ item_ids: z.array(z.string()), types: z.array(z.number().int()), times_seconds: z.array(z.number()) })
    .default({ item_ids: [], types: [], times_seconds: [] }),
  attributes: z.record(z.string(), z.string()).default({}),
  now_seconds: z.number(),
  n: z.number().int(),
  /** Item ids in order, as the release answered when it was made. */
  items: z.array(z.string()),
});

/** One watched figure of the gate: the candidate's, the serving release's, and the first less the second. */
const watched = z.object({
  candidate: figure,
  current: figure,
  difference: z.object({ value: z.number(), low: z.number(), high: z.number(), p: z.number() }),
});

/** With what a release was trained, so that it can be trained again on other data. */
const recipe = z.object({
  seed: z.number().int(),
  ranker_users: z.number().int(),
  settings: z.record(z.string(), z.record(z.string(), z.unknown())),
});

const manifestSchema = z.object({
  format: z.number().int(),
  id: z.string(),
  parent: z.string().nullable(),
  created_seconds: z.number(),
  /** Seconds that the serving clock stands behind the wall clock; see serving-clock.ts. */
  clock_behind_seconds: z.number().nonnegative(),
  code_version: z.string(),
  data: z.object({ name: z.string(), fingerprint: z.string(), end_seconds: z.number() }),
  /** Hash of the feature definitions that the ranker was trained on. */
  feature_hash: z.string(),
  parts: z.record(plainName, z.object({ files: z.array(file) })),
  /** Measured while training, by name such as "candidates.recall". */
  metrics: z.record(z.string(), figure),
  recipe: recipe.optional(),
  /** `passed` and `refused`: the gate's decision with its figures; `first`: nothing to compare with; `unchecked`: the gate was not asked. */
  promotion: z.object({
    decision: z.enum(["passed", "refused", "first", "unchecked"]),
    reasons: z.array(z.string()),
    watched: z.record(z.string(), watched).default({}),
  }),
  golden: z.array(golden),
});

export type ReleaseManifest = z.infer<typeof manifestSchema>;
export type ReleaseFile = z.infer<typeof file>;
export type GoldenRequest = z.infer<typeof golden>;
export type Figure = z.infer<typeof figure>;
export type WatchedFigure = z.infer<typeof watched>;
export type TrainingRecipe = z.infer<typeof recipe>;
export type Promotion = ReleaseManifest["promotion"];

/** Throws `data_loss` naming the release and the field at fault; a newer format is refused by number. */
export function parseManifest(text: string, release: string): ReleaseManifest {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new ModisteError("data_loss", "manifest_broken", `release ${release}: manifest.json is not JSON`, { cause });
  }
  const format = z.object({ format: z.number() }).safeParse(document);
  if (format.success && format.data.format > releaseFormat) {
    throw new ModisteError(
      "failed_precondition",
      "release_format_newer",
      `release ${release} has format ${format.data.format}, this code reads up to ${releaseFormat}`,
    );
  }
  const parsed = manifestSchema.safeParse(document);
  if (!parsed.success) {
    const where = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
    throw new ModisteError("data_loss", "manifest_broken", `release ${release}: manifest.json: ${where}`);
  }
  if (parsed.data.id !== release) {
    throw new ModisteError("data_loss", "manifest_broken", `release ${release}: manifest.json is that of release ${parsed.data.id}`);
  }
  return parsed.data;
}
