/** JSON schemas of HTTP requests: what Fastify validates and OpenAPI shows are the same objects. */

import { itemAttributesMax, itemBatchMax } from "#libs/catalog/item-word.ts";
import { eventCode } from "#libs/events/event.ts";
import { eventBatchMax, itemsDefault, itemsMax, sessionEventsMax } from "#libs/events/limits.ts";
import { surfaceNames } from "#libs/pipeline/surfaces.ts";

const id = { type: "string" } as const;

/** Largest value of the wire's 32 bits. */
const countMax = 2 ** 32 - 1;

/** The end of the year 9999: whoever sends milliseconds is told. */
const secondsMax = 253_402_300_799;

const explain = { type: "boolean", description: "whether each item says what adds to its score; takes longer" } as const;
const now = {
  type: "number",
  minimum: 0,
  maximum: secondsMax,
  description: "the instant to answer for, seconds since 1970 UTC; now when absent",
} as const;

export const limitSchema = { type: "integer", default: itemsDefault, description: `items wanted, 1 to ${itemsMax}` } as const;

const eventFields = {
  event_id: { ...id, description: "makes a repeated delivery harmless; made by us when absent" },
  user_id: { ...id, description: "who did it" },
  session_id: { ...id, description: "who did it, when anonymous" },
  subject: { ...id, description: 'a user id or "session:<id>", instead of the two above' },
  item_id: id,
  type: { type: "string", description: Object.keys(eventCode).join(", ") },
  time: { type: "number", description: "seconds since 1970 UTC; now when absent" },
  value: { type: "number", description: "price paid for one piece" },
  quantity: { type: "integer", minimum: 0, maximum: countMax, description: "pieces; 1 when absent" },
  surface: { type: "string", description: surfaceNames.join(", ") },
  recommendation_id: { ...id, description: "the recommendation that led to it" },
  position: { type: "integer", minimum: 0, maximum: countMax, description: "place in that recommendation, from 0" },
} as const;

export const eventSchema = { type: "object", additionalProperties: false, properties: eventFields } as const;

export const itemSchema = {
  type: "object",
  additionalProperties: false,
  description: "what is absent stays as it was; a new item needs name and category",
  properties: {
    item_id: id,
    name: { type: "string" },
    category: { type: "string", description: "what filters call the category" },
    product_group: { ...id, description: "items that are one product share it; a new item without one is a product of its own" },
    price: { type: ["number", "null"], description: "in the shop's unit; 0 says that it is not known" },
    available: { type: ["boolean", "null"], description: "whether it may be recommended; until it is said, sales decide" },
    attributes: {
      type: "object",
      additionalProperties: { type: "string" },
      description: `at most ${itemAttributesMax}; an empty value says that it is not known`,
    },
    text: { type: "string", description: "description, for content of new items" },
  },
} as const;

export const filterSchema = {
  type: "object",
  additionalProperties: false,
  description: "conditions are joined by and",
  properties: {
    categories: { type: "array", items: { type: "string" } },
    attributes: { type: "object", additionalProperties: { type: "array", items: { type: "string" } } },
    price_min: { type: "number" },
    price_max: { type: "number" },
  },
} as const;

export const recommendBody = {
  type: "object",
  additionalProperties: false,
  properties: {
    user_id: { ...id, description: "absent for an anonymous session" },
    session_id: id,
    n: limitSchema,
    surface: { type: "string", description: surfaceNames.join(", ") },
    filter: filterSchema,
    events: { type: "array", items: eventSchema, description: `events of the session at hand, newest last, at most ${sessionEventsMax}` },
    now,
    explain,
  },
} as const;

/** Filters in a query string: `category=Trousers`, `attribute=colour:Black`, both repeatable. */
const filterQuery = {
  category: { type: "array", items: { type: "string" }, description: "accepted category; may be repeated" },
  attribute: { type: "array", items: { type: "string" }, description: "name:value; may be repeated" },
  price_min: { type: "number" },
  price_max: { type: "number" },
} as const;

export const recommendQuery = {
  type: "object",
  additionalProperties: false,
  properties: {
    user_id: id,
    session_id: id,
    n: limitSchema,
    surface: { type: "string", description: surfaceNames.join(", ") },
    now,
    explain,
    ...filterQuery,
  },
} as const;

export const similarQuery = { type: "object", additionalProperties: false, properties: { n: limitSchema, ...filterQuery } } as const;

export const popularQuery = {
  type: "object",
  additionalProperties: false,
  properties: { n: limitSchema, age: { type: "string", description: "popular with users of this age" }, ...filterQuery },
} as const;

export const eventsBody = {
  type: "object",
  additionalProperties: false,
  required: ["events"],
  properties: { events: { type: "array", items: eventSchema, description: `at most ${eventBatchMax}` } },
} as const;

export const itemsBody = {
  type: "object",
  additionalProperties: false,
  required: ["items"],
  properties: { items: { type: "array", items: itemSchema, description: `at most ${itemBatchMax}` } },
} as const;

export const sessionBody = {
  type: "object",
  additionalProperties: false,
  required: ["session_id"],
  properties: { session_id: { ...id, description: "the session that logged in" } },
} as const;

export const idParams = { type: "object", required: ["id"], properties: { id } } as const;
