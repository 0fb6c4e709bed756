/** `dataset.json`: what a data set says about itself. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ModisteError } from "#libs/core/errors.ts";

/** Raised when a reader of the old format would misread the new one. */
export const dataSetFormat = 1;

const count = z.number().int().nonnegative();

const sourceFileSchema = z.object({ file: z.string(), bytes: count, sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const manifestSchema = z.object({
  format: z.literal(dataSetFormat),
  name: z.string().min(1),
  importer: z.string(),
  created: z.string(),
  counts: z.object({ users: count, items: count, interactions: count }),
  /** Seconds since 1970 UTC of the first and the last interaction; both 0 without any. */
  time_range: z.object({ first: count, last: count }),
  /** Interactions by name of event type. */
  event_types: z.record(z.string(), count),
  item_attributes: z.array(z.string()).max(32),
  user_attributes: z.array(z.string()).max(16),
  /** Which source column became which field, and the options of the import. */
  mapping: z.record(z.string(), z.string()),
  /** Same input, same options, same fingerprint; 16 hex digits over sums of the columns and the ids. */
  fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
  sources: z.array(sourceFileSchema),
  /** Rows read, and rejected rows by reason; the rows themselves stand in rejects.parquet. */
  rows_read: count,
  rejects: z.record(z.string(), count),
  /** Given split: interactions from this second on are the test part. */
  test_from: count.optional(),
  /** True when times are positions, not instants. */
  synthetic_times: z.boolean().optional(),
});

export type DataSetManifest = z.infer<typeof manifestSchema>;
export type SourceFile = z.infer<typeof sourceFileSchema>;

/** Reads and checks `<dir>/dataset.json`. Throws not_found without one, failed_precondition naming the field when it is wrong. */
export function readManifest(dir: string): DataSetManifest {
  const file = join(dir, "dataset.json");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new ModisteError("not_found", "dataset_missing", `${dir} is no data set: ${file} cannot be read`, { cause, field: file });
  }
  return parseManifest(file, text);
}

function parseManifest(file: string, text: string): DataSetManifest {
  const parsed = manifestSchema.safeParse(parseJson(file, text));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new ModisteError("failed_precondition", "manifest_invalid", `${file}: ${issues.join("; ")}`, {
    field: String(parsed.error.issues[0]?.path.join(".")),
  });
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ModisteError("failed_precondition", "manifest_invalid", `${file}: not JSON`, { cause, field: file });
  }
}
