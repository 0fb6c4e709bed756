/** Bounds on what callers and producers send. */

import { secondsPerDay } from "#libs/core/clock.ts";

/** An event may lie so far ahead of the clock of who takes it, in seconds. */
export const aheadSecondsMax = secondsPerDay;
/** Most bytes of any id. */
export const idBytesMax = 256;
/** Most events of one RecordEvents call. */
export const eventBatchMax = 1000;
/** Most events of a session given in one request. */
export const sessionEventsMax = 200;
/** Most items of one answer. */
export const itemsMax = 200;
export const itemsDefault = 12;

/** Why a text cannot be an id, null when it can: too long, control characters, lone surrogates, or empty where that is not allowed. */
export function idProblem(text: string, { optional = false } = {}): string | null {
  if (text === "") return optional ? null : "is empty";
  if (Buffer.byteLength(text, "utf8") > idBytesMax) return `is longer than ${idBytesMax} bytes`;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return `has a control character at position ${i}`;
  }
  return text.isWellFormed() ? null : "is not well-formed Unicode";
}
