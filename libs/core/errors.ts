/** The one error of the domain. Its code decides everything that a caller must know; nobody switches on messages. */

/** gRPC's names of the codes that modiste uses. */
export const errorCodes = [
  "cancelled",
  "invalid_argument",
  "deadline_exceeded",
  "not_found",
  "already_exists",
  "permission_denied",
  "resource_exhausted",
  "failed_precondition",
  "aborted",
  "out_of_range",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
  "unauthenticated",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Who has to act: the caller, we, or a part that we depend on. */
export type Blame = "caller" | "us" | "dependency";

export interface CodeTraits {
  /** gRPC status number. */
  readonly grpc: number;
  readonly http: number;
  readonly retryable: boolean;
  readonly blame: Blame;
  readonly level: "debug" | "info" | "warn" | "error";
}

/** Everything that follows from a code. HTTP statuses as in google.rpc.Code. */
export const codeTraits: Readonly<Record<ErrorCode, CodeTraits>> = {
  cancelled: { grpc: 1, http: 499, retryable: false, blame: "caller", level: "debug" },
  invalid_argument: { grpc: 3, http: 400, retryable: false, blame: "caller", level: "debug" },
  deadline_exceeded: { grpc: 4, http: 504, retryable: false, blame: "dependency", level: "warn" },
  not_found: { grpc: 5, http: 404, retryable: false, blame: "caller", level: "debug" },
  already_exists: { grpc: 6, http: 409, retryable: false, blame: "caller", level: "debug" },
  permission_denied: { grpc: 7, http: 403, retryable: false, blame: "caller", level: "info" },
  resource_exhausted: { grpc: 8, http: 429, retryable: true, blame: "us", level: "warn" },
  failed_precondition: { grpc: 9, http: 412, retryable: false, blame: "us", level: "warn" },
  aborted: { grpc: 10, http: 409, retryable: true, blame: "us", level: "warn" },
  out_of_range: { grpc: 11, http: 400, retryable: false, blame: "caller", level: "debug" },
  unimplemented: { grpc: 12, http: 501, retryable: false, blame: "caller", level: "info" },
  internal: { grpc: 13, http: 500, retryable: false, blame: "us", level: "error" },
  unavailable: { grpc: 14, http: 503, retryable: true, blame: "dependency", level: "warn" },
  data_loss: { grpc: 15, http: 500, retryable: false, blame: "us", level: "error" },
  unauthenticated: { grpc: 16, http: 401, retryable: false, blame: "caller", level: "info" },
};

export interface ErrorDetails {
  /** What went wrong beneath; for logs and traces, never sent to a client. */
  readonly cause?: unknown;
  /** The request field, file or setting at fault. */
  readonly field?: string;
}

/** An expected failure. `reason` is a stable snake_case word such as "release_missing"; the message starts with `[code]`. */
export class ModisteError extends Error {
  override readonly name = "ModisteError";
  readonly code: ErrorCode;
  readonly reason: string;
  readonly field: string | undefined;

  constructor(code: ErrorCode, reason: string, message: string, details: ErrorDetails = {}) {
    super(`[${code}] ${message}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.reason = reason;
    this.field = details.field;
  }

  /** The message without its code, for answers that carry the code elsewhere. */
  get detail(): string {
    return this.message.slice(this.code.length + 3);
  }
}

/** A request that its caller must mend; `field` names what is wrong. */
export function invalid(field: string, message: string, reason = "invalid_field"): ModisteError {
  return new ModisteError("invalid_argument", reason, `${field}: ${message}`, { field });
}

/** Wraps what is not a ModisteError as `internal`; an abort becomes `cancelled`. */
export function toModisteError(error: unknown): ModisteError {
  if (error instanceof ModisteError) return error;
  if (error instanceof Error && error.name === "AbortError") {
    return new ModisteError("cancelled", "cancelled", "the caller left", { cause: error });
  }
  return new ModisteError("internal", "unexpected", "an unexpected error; see the log of this service", { cause: error });
}

/** Broken invariant: a bug of ours. Never caught by a fallback. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new ModisteError("internal", "invariant_broken", message);
}
