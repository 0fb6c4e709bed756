import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonSchema } from "./answer-schemas.ts";
import { openDoor, type TestDoor } from "./door.fixture.ts";

interface Document extends JsonSchema {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly operationId: string; readonly parameters?: readonly JsonSchema[] }>>>
  >;
}

let door: TestDoor;
let document: Document;
beforeAll(async () => {
  door = await openDoor();
  document = (await door.caller.ask("/openapi.json")).json as unknown as Document;
});
afterAll(() => door.close());

/** Every value inside of a document, with the values above it left out. */
function* walk(value: unknown): Generator<JsonSchema> {
  if (typeof value !== "object" || value === null) return;
  yield value as JsonSchema;
  for (const inner of Object.values(value)) yield* walk(inner);
}

const at = (reference: string): unknown =>
  reference
    .slice(2)
    .split("/")
    .reduce<unknown>((value, step) => (value as JsonSchema | undefined)?.[step.replace(/~1/g, "/")], document);

/** The document's schemas with nothing allowed that they do not name: so the test sees fields that nobody wrote down. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const inner = Object.fromEntries(Object.entries(value).map(([name, field]) => [name, closed(field)]));
  return "properties" in inner && inner.type === "object" ? { ...inner, additionalProperties: false } : inner;
}

function validator(schema: string): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema(closed({ $id: "api", ...document }) as object);
  return ajv.getSchema(`api#/components/schemas/${schema}`) as ValidateFunction;
}

function expectValid(schema: string, value: unknown): void {
  const validate = validator(schema);
  validate(value);
  expect(validate.errors).toBeNull();
}

describe("the OpenAPI document", () => {
  it("is of version 3.1, its references lead somewhere, its operations have ids of their own", () => {
    expect(document.openapi).toBe("3.1.0");
    const references = [...walk(document)].flatMap((value) => (typeof value.$ref === "string" ? [value.$ref] : []));
    expect(references.length).toBeGreaterThan(10);
    expect(references.filter((reference) => at(reference) === undefined)).toEqual([]);
    const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("describes every parameter of its paths", () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      const wanted = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters = [] } of Object.values(methods)) {
        expect(parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name)).toEqual(wanted);
      }
    }
  });

  it("has every route of the API, and no other", async () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      const { headers } = await door.caller.ask(path.replace(/\{\w+\}/g, "x"), { method: "OPTIONS" });
      const served = (headers.allow ?? "").split(", ").filter((method) => method !== "HEAD" && method !== "OPTIONS");
      expect(served, path).toEqual(
        Object.keys(methods)
          .map((method) => method.toUpperCase())
          .sort(),
      );
    }
    const page = ["/", "/page.css", "/page.js", "/page/start", "/favicon.svg", "/docs", "/openapi.json"];
    const documented = Object.keys(document.paths).map((path) => path.replace(/\{(\w+)\}/g, ":$1"));
    expect([...door.routes].sort()).toEqual([...documented, ...page].sort());
  });

  it("describes what is answered, field by field", async () => {
    const ask = async (path: string, body?: unknown): Promise<unknown> =>
      (await door.caller.ask(path, body === undefined ? {} : { method: "POST", body })).json;
    const recommendation = (await ask("/v1/recommendations?user_id=known1")) as { items: unknown[]; trace_id: string };
    expect(recommendation.items.length).toBeGreaterThan(0);
    expectValid("Recommendation", recommendation);
    expectValid("Recommendation", await ask("/v1/popular"));
    expectValid("Recommendation", await ask("/v1/items/a0/similar"));
    expectValid("Recommendation", await ask("/v1/recommendations?category=none"));
    expectValid("EventResults", await ask("/v1/events", { events: [{ user_id: "u", item_id: "a0", type: "view" }, {}] }));
    expectValid("ItemResults", await ask("/v1/items", { items: [{ item_id: "a0", price: 5 }, {}] }));
    expectValid("Withdrawn", (await door.caller.ask("/v1/items/a0", { method: "DELETE" })).json);
    expectValid("User", await ask("/v1/users/known1"));
    expectValid("User", await ask("/v1/users/nobody"));
    expectValid("Merged", await ask("/v1/users/u/sessions", { session_id: "s" }));
    expectValid("Erasure", (await door.caller.ask("/v1/users/u", { method: "DELETE" })).json);
    expectValid("Trace", await ask(`/v1/traces/${recommendation.trace_id}`));
    expectValid("Health", await ask("/healthz"));
    expectValid("Health", await ask("/readyz"));
    expectValid("Problem", await ask("/v1/popular?n=0"));
    expectValid("Problem", await ask("/nowhere"));
  });

  it("is a page to read as well", async () => {
    const { headers, text } = await door.caller.ask("/docs");
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    for (const path of Object.keys(document.paths)) expect(text).toContain(path);
    expect(text).not.toMatch(/<script|https?:\/\//);
    expect(text).toContain("session:&lt;id&gt;");
  });
});
