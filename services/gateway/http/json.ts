/** Between the contract's messages and the JSON of HTTP: snake_case names as in the protos, enums as short words. */

import { Grade, UserKnowledge } from "#protos/recommender.ts";
import { EventType, type ItemFilter as ItemFilterMessage } from "#protos/types.ts";

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Fields whose keys are data (map fields), and so stay as they are. */
const mapFields = new Set(["attributes", "releases", "segment"]);

function words(enumeration: Readonly<Record<string, number>>, prefix: string, lower: boolean): ReadonlyMap<number, string> {
  return new Map(
    Object.entries(enumeration).map(([name, value]) => {
      const word = name.slice(prefix.length);
      return [value, lower ? word.toLowerCase() : word];
    }),
  );
}

const grades = words(Grade, "GRADE_", false);
const knowledge = words(UserKnowledge, "USER_KNOWLEDGE_", false);
const types = words(EventType, "EVENT_TYPE_", true);

/** Enum fields by their place: `grade` of an answer, `user` of its coverage, `type` of an event. */
function enumWord(field: string, value: number): string | undefined {
  if (field === "grade") return grades.get(value);
  if (field === "user") return knowledge.get(value);
  if (field === "type") return types.get(value);
  return undefined;
}

function convert(value: unknown, field: string): unknown {
  if (Array.isArray(value)) return value.map((entry) => convert(entry, field));
  if (typeof value === "number") return enumWord(field, value) ?? value;
  if (typeof value !== "object" || value === null) return value;
  if (mapFields.has(field)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [snake(name), convert(inner, snake(name))]));
}

/** A message as JSON answers it: every field present, also the empty ones. */
export function toJson(message: object): Record<string, unknown> {
  return convert(message, "") as Record<string, unknown>;
}

export interface JsonFilter {
  readonly categories?: readonly string[];
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
  readonly price_min?: number;
  readonly price_max?: number;
}

export function filterFromJson(filter: JsonFilter = {}): ItemFilterMessage {
  return {
    categories: [...(filter.categories ?? [])],
    attributes: Object.entries(filter.attributes ?? {}).map(([attribute, values]) => ({ attribute, values: [...values] })),
    priceMin: filter.price_min ?? 0,
    priceMax: filter.price_max ?? 0,
  };
}
