/** JSON schemas of answers: every field is always there, so all are required. */

export type JsonSchema = Readonly<Record<string, unknown>>;

const text = { type: "string" } as const;
const number = { type: "number" } as const;
const whole = { type: "integer", minimum: 0 } as const;
const seconds = { type: "integer", description: "seconds since 1970 UTC" } as const;
const milliseconds = { type: "number", description: "milliseconds" } as const;
const flag = { type: "boolean" } as const;
const textMap = { type: "object", additionalProperties: text } as const;

const list = (items: JsonSchema): JsonSchema => ({ type: "array", items });
const choice = (description: string, ...words: readonly string[]): JsonSchema => ({ type: "string", enum: words, description });
const object = (properties: Readonly<Record<string, JsonSchema>>, optional: readonly string[] = []): JsonSchema => ({
  type: "object",
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  properties,
});

/** `#/components/schemas/<name>`. */
export const schemaRef = (name: keyof typeof answerSchemas): JsonSchema => ({ $ref: `#/components/schemas/${name}` });
const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

const itemFields = {
  item_id: text,
  name: text,
  category: text,
  price: { ...number, description: "in the shop's unit; 0 when it is not known" },
  attributes: textMap,
};

export const answerSchemas = {
  Recommendation: object({
    recommendation_id: { ...text, description: "bring it back with the events that the answer led to" },
    items: list(ref("Item")),
    grade: choice("how far the answer is from the best one that the fleet can give", "FULL", "PARTIAL", "UNRANKED", "IMPERSONAL", "STATIC"),
    coverage: ref("Coverage"),
    releases: { ...textMap, description: "release by part; the pinned one under pinned" },
    trace_id: { ...text, description: "32 hex digits" },
  }),
  Item: object({
    ...itemFields,
    score: { ...number, description: "comparable inside one answer only" },
    reasons: list(ref("Reason")),
    contributions: {
      ...list(object({ group: text, value: number })),
      description: "what groups of the ranker's inputs add to the score, strongest first; empty unless the request asks to explain",
    },
  }),
  Reason: object({
    kind: { ...text, description: "a stable word, such as bought_together; pinned, boosted or buried by a rule" },
    source: { ...text, description: "the source that said so; rules for a rule of the shop's rule file" },
    because_item_id: { ...text, description: "the item of the history that contributed most; empty when there is none" },
    text: { ...text, description: "the same for a person to read" },
    rule: { ...text, description: "name of the rule of the shop's rule file that did it; empty when none did" },
  }),
  Coverage: object({
    user: choice("what was known of the subject", "KNOWN", "UNKNOWN", "SESSION", "UNAVAILABLE"),
    events: { ...whole, description: "events of the subject that were used" },
    asked: whole,
    answered: whole,
    late: whole,
    failed: whole,
    sources: list(
      object({
        source: text,
        outcome: choice("what it did", "answered", "late", "failed", "not_asked"),
        candidates: whole,
        milliseconds,
        release: text,
      }),
    ),
    stages: list(object({ stage: text, milliseconds, candidates: { ...whole, description: "candidates after the stage" } })),
    removed: { ...list(object({ filter: text, removed: whole })), description: "says which filter emptied an empty list" },
    degraded: { ...list(text), description: "what is missing and why, such as lightgcn:deadline_exceeded" },
    rules: { ...list(text), description: "rules of the shop's rule file that applied, in the order of the file" },
    candidates_found: { ...whole, description: "candidates that passed the filters" },
    candidates_ranked: {
      ...whole,
      description: "of them, those that the ranking service scored; the others follow in the order of rank fusion",
    },
  }),
  EventResults: object({
    results: {
      ...list(object({ event_id: text, accepted: flag, reason: { ...text, description: "empty when accepted" }, message: text })),
      description: "one result an event, in order",
    },
    accepted: whole,
  }),
  ItemResults: object({
    results: {
      ...list(object({ item_id: text, accepted: flag, reason: { ...text, description: "empty when accepted" }, message: text })),
      description: "one result an item, in order",
    },
    accepted: whole,
  }),
  Withdrawn: object({}),
  User: object({
    subject: text,
    known: flag,
    attributes: textMap,
    events: {
      ...list(
        object({
          ...itemFields,
          type: choice("what was done", "view", "cart", "purchase", "like", "dislike", "remove", "unspecified"),
          time_seconds: seconds,
          event_id: { ...text, description: "empty for history that was seeded" },
          value: { ...number, description: "price paid for one piece" },
        }),
      ),
      description: "newest first",
    },
  }),
  Erasure: object({ erase_id: { ...text, description: "names the erasure in records and archive" } }),
  Merged: object({}),
  Trace: object({
    spans: list(
      object({
        span_id: text,
        parent_span_id: { type: ["string", "null"] },
        service: text,
        name: text,
        kind: choice("side of the call", "internal", "server", "client", "producer", "consumer"),
        start_ms: { ...number, description: "milliseconds since 1970 UTC" },
        duration_ms: milliseconds,
        ok: flag,
      }),
    ),
  }),
  Health: object(
    { status: text, remarks: { ...list(text), description: "what is wrong although it can answer, such as a release that was refused" } },
    ["remarks"],
  ),
  NotReady: object({ status: text, reason: text }),
  Problem: object(
    {
      type: text,
      title: text,
      status: whole,
      code: { ...text, description: "gRPC's word, such as invalid_argument" },
      reason: { ...text, description: "a stable word, such as unknown_surface" },
      detail: { ...text, description: "for a person; names the field" },
      field: text,
    },
    ["field"],
  ),
};
