import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, type AskOptions, nowSeconds, openDoor, type TestDoor } from "./door.fixture.ts";
import { ndjsonType } from "./ndjson.ts";

let door: TestDoor;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

const ask = (path: string, options?: AskOptions): Promise<Answer> => door.caller.ask(path, options);
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(path, { method: "POST", body, headers });

/** Errors of the handlers and of the door; what callers do wrong is none. */
const errors = (): unknown[] => door.logged.filter(({ level }) => level === "error" || level === "fatal");

/** The refusal is a problem (RFC 9457), nothing is logged as an error, and the same caller is answered right after. */
async function expectProblem(
  answer: Answer,
  expected: { status: number; reason: string; field?: string; detail: string | RegExp },
): Promise<void> {
  expect(answer.json, answer.text).toMatchObject({
    type: "about:blank",
    status: expected.status,
    reason: expected.reason,
    code: expect.any(String),
    title: expect.any(String),
  });
  expect(answer.status).toBe(expected.status);
  expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  expect(answer.headers["cache-control"]).toBe("no-store");
  expect(answer.json.field).toBe(expected.field);
  if (typeof expected.detail === "string") expect(answer.json.detail).toBe(expected.detail);
  else expect(answer.json.detail).toMatch(expected.detail);
  expect(errors()).toEqual([]);
  const next = await ask("/v1/popular?n=1");
  expect(next.status).toBe(200);
  if (answer.headers.connection !== "close") expect(next.port).toBe(answer.port);
}

const longId = "é".repeat(129);

describe("a query that is wrong is refused by the name of its field", () => {
  it.each([
    ["n=0", "n", "n: must be a whole number from 1 to 200, got 0"],
    ["n=201", "n", "n: must be a whole number from 1 to 200, got 201"],
    ["n=-1", "n", "n: must be a whole number from 1 to 200, got -1"],
    ["n=ten", "n", "n: must be integer"],
    ["n=1.5", "n", "n: must be integer"],
    ["n=", "n", "n: must be integer"],
    ["n=1&n=2", "n", "n: must be integer"],
    ["explain=maybe", "explain", "explain: must be boolean"],
    ["surface=moon", "surface", 'surface: "moon" is none of home, product, basket, email'],
    ["surface=constructor", "surface", 'surface: "constructor" is none of home, product, basket, email'],
    [`user_id=${encodeURIComponent(longId)}`, "user_id", "user_id: is longer than 256 bytes"],
    [`session_id=${"s".repeat(257)}`, "session_id", "session_id: is longer than 256 bytes"],
    ["user_id=a%0Ab", "user_id", "user_id: has a control character at position 1"],
    ["user_id=a%C2%85", "user_id", "user_id: has a control character at position 1"],
    ["colour=red", "colour", "colour: must NOT have additional properties"],
    ["attribute=red", "attribute", 'attribute: "red" is not of the form name:value'],
    ["price_min=-1", "filter.price_min", "filter.price_min: must be a number of 0 or more, got -1"],
    ["price_min=9&price_max=3", "filter.price_min", "filter.price_min: is above filter.price_max"],
    ["price_min=NaN", "price_min", "price_min: must be number"],
    ["now=-1", "now", "now: must be >= 0"],
    ["now=1e30", "now", "now: must be <= 253402300799"],
  ])("%s", async (query, field, detail) => {
    const reason = field === "surface" ? "unknown_surface" : "invalid_field";
    await expectProblem(await ask(`/v1/recommendations?${query}`), { status: 400, reason, field, detail });
  });

  it.each(["material:wool", "__proto__:x", "constructor:x", "toString:x"])(
    "an attribute that the catalogue does not have: %s",
    async (attribute) => {
      const name = attribute.split(":")[0];
      await expectProblem(await ask(`/v1/recommendations?attribute=${attribute}`), {
        status: 400,
        reason: "unknown_attribute",
        field: "filter.attributes[0].attribute",
        detail: `filter.attributes[0].attribute: "${name}" is no attribute of this catalogue; known are category, colour`,
      });
    },
  );

  it("a timeout that is none", async () => {
    const answer = await ask("/v1/popular", { headers: { "x-modiste-timeout-ms": "soon" } });
    await expectProblem(answer, { status: 400, reason: "invalid_field", field: "x-modiste-timeout-ms", detail: /must be milliseconds/ });
  });

  it("a path that is no URL", async () => {
    await expectProblem(await ask("/v1/items/%E0%A4%A/similar"), { status: 400, reason: "bad_url", detail: /not a valid url/ });
  });
});

describe("a body that is wrong is refused", () => {
  it("larger than 1 MiB", async () => {
    const answer = await post("/v1/events", { events: [{ item_id: "x".repeat(1 << 20) }] });
    await expectProblem(answer, { status: 413, reason: "body_too_large", detail: "Request body is too large" });
  });

  it("more than 1,000 events", async () => {
    const events = Array.from({ length: 1001 }, () => ({ user_id: "u", item_id: "a0", type: "view" }));
    const expected = {
      status: 413,
      reason: "batch_too_large",
      field: "events",
      detail: "events: has 1001 entries, at most 1000 are taken",
    };
    await expectProblem(await post("/v1/events", { events }), expected);
  });

  it("more than 200 events of a session", async () => {
    const events = Array.from({ length: 201 }, () => ({ item_id: "a0", type: "view" }));
    const expected = { status: 400, reason: "invalid_field", field: "events", detail: "events: has 201 entries, at most 200 are taken" };
    await expectProblem(await post("/v1/recommendations", { events }), expected);
  });

  it("no events", async () => {
    await expectProblem(await post("/v1/events", { events: [] }), {
      status: 400,
      reason: "invalid_field",
      field: "events",
      detail: "events: needs at least one event",
    });
    await expectProblem(await post("/v1/events", {}), {
      status: 400,
      reason: "invalid_field",
      field: "events",
      detail: "events: must have required property 'events'",
    });
  });

  it("nested a hundred thousand deep", async () => {
    const objects = `{"filter":${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}}`;
    await expectProblem(await post("/v1/recommendations", objects), {
      status: 400,
      reason: "invalid_field",
      field: "filter.a",
      detail: "filter.a: must NOT have additional properties",
    });
    const lists = `{"events":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    const refused = await post("/v1/recommendations", lists);
    expect(refused.status).toBe(400);
    expect(errors()).toEqual([]);
  });

  it.each(['{"__proto__":{"n":1}}', '{"filter":{"attributes":{"__proto__":["x"]}}}', '{"constructor":{"prototype":{"n":1}}}'])(
    "keys of the prototype: %s",
    async (body) => {
      const answer = await post("/v1/recommendations", body);
      await expectProblem(answer, { status: 400, reason: "not_json", detail: /not valid JSON|prototype/ });
      expect(({} as { n?: number }).n).toBeUndefined();
    },
  );

  it.each(["{", "nul", '{"n":1}x', "\u0000"])("not JSON: %j", async (body) => {
    await expectProblem(await post("/v1/recommendations", body), { status: 400, reason: "not_json", detail: /JSON/ });
  });

  it("empty, or not an object", async () => {
    await expectProblem(await post("/v1/events", ""), { status: 400, reason: "empty_body", detail: /empty/ });
    await expectProblem(await post("/v1/events", "3"), {
      status: 400,
      reason: "invalid_field",
      field: "body",
      detail: "body: must be object",
    });
    await expectProblem(await ask("/v1/events", { method: "POST" }), {
      status: 400,
      reason: "invalid_field",
      field: "body",
      detail: "body: must be object",
    });
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense"])("of type %s", async (type) => {
    const answer = await post("/v1/events", '{"events":[]}', { "content-type": type });
    await expectProblem(answer, { status: 415, reason: "content_type", detail: /Unsupported Media Type/ });
  });

  it.each(["/v1/recommendations", "/v1/items", "/v1/users/u/sessions"])("of lines at %s, which takes none", async (path) => {
    const answer = await post(path, "{}", { "content-type": ndjsonType });
    await expectProblem(answer, { status: 415, reason: "content_type", detail: /Unsupported Media Type/ });
  });

  it("with fields that nobody knows, at any depth", async () => {
    const expected = { status: 400, reason: "invalid_field" };
    await expectProblem(await post("/v1/recommendations", { userid: "u" }), {
      ...expected,
      field: "userid",
      detail: "userid: must NOT have additional properties",
    });
    const events = [{ item_id: "a0", type: "view" }, { item: "a0" }];
    await expectProblem(await post("/v1/recommendations", { events }), {
      ...expected,
      field: "events[1].item",
      detail: "events[1].item: must NOT have additional properties",
    });
    await expectProblem(await post("/v1/recommendations", { filter: { categories: "x", colour: [] } }), {
      ...expected,
      field: "filter.colour",
      detail: "filter.colour: must NOT have additional properties",
    });
  });

  it("with an event of the session that cannot be", async () => {
    const with1 = (event: object): object => ({ session_id: "s", events: [event] });
    const expected = { status: 400, reason: "invalid_field" };
    await expectProblem(await post("/v1/recommendations", with1({ item_id: "a0", type: "stare" })), {
      ...expected,
      field: "events[0].type",
      detail: "events[0].type: is not one of view, cart, purchase, like, dislike, remove",
    });
    await expectProblem(await post("/v1/recommendations", with1({ type: "view" })), {
      ...expected,
      field: "events[0].item_id",
      detail: "events[0].item_id: is empty",
    });
    await expectProblem(await post("/v1/recommendations", with1({ item_id: "a0", type: "view", position: 2 ** 32 })), {
      ...expected,
      field: "events[0].position",
      detail: "events[0].position: must be <= 4294967295",
    });
  });
});

describe("what is not there", () => {
  it("an unknown item has nothing similar", async () => {
    const answer = await ask("/v1/items/none/similar");
    await expectProblem(answer, {
      status: 404,
      reason: "unknown_item",
      field: "item_id",
      detail: 'item_id: no item "none" in the catalogue',
    });
  });

  it("ids are decoded from the path, slashes and percent signs included", async () => {
    const answer = await ask(`/v1/items/${encodeURIComponent("a/b?c=1 100%é")}/similar`);
    await expectProblem(answer, {
      status: 404,
      reason: "unknown_item",
      field: "item_id",
      detail: 'item_id: no item "a/b?c=1 100%é" in the catalogue',
    });
    expect((await ask(`/v1/users/${encodeURIComponent("session:a/b")}`)).json.subject).toBe("session:a/b");
  });

  it("an id in the path that is too long or has control characters", async () => {
    const expected = { status: 400, reason: "invalid_field", field: "item_id" };
    await expectProblem(await ask(`/v1/items/${"x".repeat(257)}/similar`), { ...expected, detail: "item_id: is longer than 256 bytes" });
    await expectProblem(await ask("/v1/items/a%00b/similar"), { ...expected, detail: "item_id: has a control character at position 1" });
  });

  it("a route, a method, a trace", async () => {
    await expectProblem(await ask("/v2/popular"), { status: 404, reason: "unknown_route", detail: "no route /v2/popular" });
    const wrong = await ask("/v1/events");
    await expectProblem(wrong, { status: 405, reason: "method_not_allowed", detail: "/v1/events has no GET; it has POST" });
    expect(wrong.headers.allow).toBe("POST, OPTIONS");
    await expectProblem(await ask("/v1/traces/none"), { status: 404, reason: "unknown_trace", detail: /no such trace/ });
  });
});

describe("every event has its own result", () => {
  it("names what is wrong with one and takes the others", async () => {
    const good = { user_id: "u", item_id: "a0", type: "view" };
    const events = [
      { ...good, event_id: "e0" },
      { ...good, user_id: "" },
      { ...good, type: "stare" },
      { ...good, item_id: "none" },
      { ...good, time: nowSeconds + 2 * 86_400 },
      { ...good, time: nowSeconds - 401 * 86_400 },
      { ...good, time: 1e300 },
      { ...good, time: -1e300 },
      { ...good, time: 0.5 },
      { ...good, time: -0.5 },
      { ...good, value: -1 },
      { ...good, item_id: "a\u0000b" },
      { item_id: "a0", session_id: "", type: "view" },
      { item_id: "a1", session_id: "s1", type: "like", quantity: 2 },
    ];
    const { status, json } = await post("/v1/events", { events });
    expect(status).toBe(200);
    const results = json.results as { event_id: string; accepted: boolean; reason: string; message: string }[];
    const reasons = [
      "",
      "no_subject",
      "unknown_type",
      "unknown_item",
      "time_ahead",
      "time_behind",
      "time_ahead",
      "time_behind",
      "time_behind",
      "time_behind",
      "bad_value",
      "bad_item_id",
      "no_subject",
      "",
    ];
    expect(results.map(({ reason }) => reason)).toEqual(reasons);
    expect(results.map(({ accepted }) => accepted)).toEqual(reasons.map((reason) => reason === ""));
    expect(results[0]).toEqual({ event_id: "e0", accepted: true, reason: "", message: "" });
    expect(results[3]?.message).toBe("item_id is not in the catalogue");
    expect(json.accepted).toBe(2);
    expect(door.published).toEqual(["u", "session:s1"]);
    expect(errors()).toEqual([]);
  });
});
