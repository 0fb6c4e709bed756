/** The limit on messages where nothing is encoded. */

import { ModisteError } from "#libs/core/errors.ts";
import { tooLargeReason } from "./errors.ts";

/** 4 MiB, gRPC's own default, stated because both paths enforce it. */
export const messageBytesMax = 4 * 1024 * 1024;

/** Throws `resource_exhausted` when a message is surely over the limit. */
export function checkMessageSize(message: unknown, limit: number, what: string): void {
  const bytes = estimateBytes(message);
  if (bytes <= limit) return;
  throw new ModisteError("resource_exhausted", tooLargeReason, `${what} of about ${bytes} bytes is larger than ${limit}`);
}

/**
 * About the encoded size, from below: a list of numbers is not walked but counted as one byte an entry, and text as one byte a UTF-16 unit.
 * Microseconds for a list of 500 ids.
 */
export function estimateBytes(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 1;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  if (Array.isArray(value)) return estimateList(value);
  let bytes = 0;
  for (const key in value) bytes += estimateBytes((value as Record<string, unknown>)[key]);
  return bytes;
}

function estimateList(list: readonly unknown[]): number {
  if (typeof list[0] === "number") return list.length;
  let bytes = 2 * list.length;
  for (const entry of list) bytes += typeof entry === "string" ? entry.length : estimateBytes(entry);
  return bytes;
}
