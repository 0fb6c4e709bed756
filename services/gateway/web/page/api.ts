/** The public API as the page uses it. */

export interface Reason {
  readonly kind: string;
  readonly source: string;
  readonly because_item_id: string;
  readonly text: string;
}

/** What an item looks like, in an answer and in a history. */
export interface Item {
  readonly item_id: string;
  readonly name: string;
  readonly category: string;
  readonly price: number;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface RecommendedItem extends Item {
  readonly score: number;
  readonly reasons: readonly Reason[];
}

export interface Coverage {
  readonly user: "KNOWN" | "UNKNOWN" | "SESSION" | "UNAVAILABLE";
  readonly events: number;
  readonly asked: number;
  readonly answered: number;
  readonly sources: readonly {
    readonly source: string;
    readonly outcome: string;
    readonly candidates: number;
    readonly milliseconds: number;
  }[];
  readonly stages: readonly { readonly stage: string; readonly milliseconds: number; readonly candidates: number }[];
  readonly removed: readonly { readonly filter: string; readonly removed: number }[];
  readonly degraded: readonly string[];
  readonly rules: readonly string[];
}

export interface Answer {
  readonly recommendation_id: string;
  readonly items: readonly RecommendedItem[];
  readonly grade: string;
  readonly coverage: Coverage;
  readonly releases: Readonly<Record<string, string>>;
  readonly trace_id: string;
}

export interface UserEvent extends Item {
  readonly type: string;
  readonly time_seconds: number;
}

export interface User {
  readonly subject: string;
  readonly known: boolean;
  readonly attributes: Readonly<Record<string, string>>;
  readonly events: readonly UserEvent[];
}

export interface Span {
  readonly span_id: string;
  readonly parent_span_id: string | null;
  readonly service: string;
  readonly name: string;
  readonly kind: string;
  readonly start_ms: number;
  readonly duration_ms: number;
  readonly ok: boolean;
}

export interface Shop {
  readonly release: string;
  readonly data: string;
  readonly items: number;
  readonly categories: readonly string[];
  readonly colours: { readonly attribute: string; readonly values: readonly string[] } | null;
  readonly priced: boolean;
  readonly surfaces: readonly string[];
  /** What each source looks for, in a few words, by its name. */
  readonly sources: Readonly<Record<string, string>>;
  readonly users: readonly { readonly user_id: string; readonly label: string }[];
}

export interface EventResults {
  readonly results: readonly { readonly accepted: boolean; readonly message: string }[];
}

/** A failure in words that a shop person can act on. */
export class ApiError extends Error {
  override readonly name = "ApiError";
}

async function detailOf(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => ({}))) as { detail?: unknown };
  return typeof problem.detail === "string" ? problem.detail : "";
}

/** Throws an ApiError in words. An abort passes through as it is. */
async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer. Is modiste still running?");
  }
  if (response.ok) return (await response.json()) as T;
  const detail = await detailOf(response);
  if (response.status >= 500) throw new ApiError(`The server could not answer${detail ? `: ${detail}` : ""}.`);
  throw new ApiError(detail || `The server refused the request (${response.status}).`);
}

export const getShop = (): Promise<Shop> => call("/page/start");
export const getUser = (subject: string): Promise<User> => call(`/v1/users/${encodeURIComponent(subject)}`);
export const getTrace = (id: string): Promise<{ readonly spans: readonly Span[] }> => call(`/v1/traces/${encodeURIComponent(id)}`);
export const getRecommendations = (query: URLSearchParams, signal: AbortSignal): Promise<Answer> =>
  call(`/v1/recommendations?${query}`, { signal });
export const getSimilar = (item: string, query: URLSearchParams, signal: AbortSignal): Promise<Answer> =>
  call(`/v1/items/${encodeURIComponent(item)}/similar?${query}`, { signal });

/** Throws an ApiError when the event is refused. */
export async function sendEvent(event: Readonly<Record<string, unknown>>): Promise<void> {
  const headers = { "content-type": "application/json" };
  const { results } = await call<EventResults>("/v1/events", { method: "POST", headers, body: JSON.stringify({ events: [event] }) });
  const [result] = results;
  if (!result?.accepted) throw new ApiError(`The event was refused: ${result?.message ?? "no result"}.`);
}
