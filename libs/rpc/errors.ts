/** Errors on their way through the seam: codes and numbers, what a client may see, and which failures are a peer's. */

import { codeTraits, type ErrorCode, errorCodes, ModisteError, toModisteError } from "#libs/core/errors.ts";

export const reasonHeader = "modiste-reason";
export const fieldHeader = "modiste-field";

const codeByNumber: ReadonlyMap<number, ErrorCode> = new Map(errorCodes.map((code) => [codeTraits[code].grpc, code]));

/** Errors that came from a peer: logged there, so not again here. */
const fromPeers = new WeakSet<ModisteError>();

export function cameFromPeer(error: ModisteError): boolean {
  return fromPeers.has(error);
}

/** What the other side of the seam may know: no cause, no stack of ours. */
export function sealError(error: ModisteError): ModisteError {
  return peerError(error.code, error.reason, error.detail, error.field);
}

/** A failure as its caller sees it. An unknown status number counts as `internal`. */
export function statusError(status: number, detail: string, reason: string | undefined, field: string | undefined): ModisteError {
  const code = codeByNumber.get(status) ?? "internal";
  const tooLarge = code === "resource_exhausted" && reason === undefined && /larger than|exceeds? (the )?max/i.test(detail);
  return peerError(code, reason ?? (tooLarge ? tooLargeReason : (foreignReasons[code] ?? `peer_${code}`)), detail, field);
}

/** A message over the limit: `resource_exhausted` as gRPC says it, but never worth a second try. */
export const tooLargeReason = "message_too_large";

/** Reasons for failures that gRPC itself reports, alike on both paths. */
const foreignReasons: Partial<Record<ErrorCode, string>> = {
  cancelled: "cancelled",
  deadline_exceeded: "deadline_exceeded",
  unavailable: "peer_unavailable",
  unimplemented: "unknown_method",
};

function peerError(code: ErrorCode, reason: string, detail: string, field: string | undefined): ModisteError {
  const error = new ModisteError(code, reason, detail, field === undefined ? {} : { field });
  fromPeers.add(error);
  return error;
}

/** The error of a handler. After an abort it is the abort's reason, whatever the handler made of it. */
export function handlerError(error: unknown, signal: AbortSignal): ModisteError {
  const own = toModisteError(error);
  const reason: unknown = signal.reason;
  return signal.aborted && own.code === "cancelled" && reason instanceof ModisteError ? reason : own;
}

/** ASCII that HTTP/2 carries; field names may quote what a client sent. */
export function headerValue(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, 256);
}
