import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, openCaller, openDoor, type TestDoor } from "./door.fixture.ts";
import { ndjsonBytesMax, ndjsonLinesMax, ndjsonType } from "./ndjson.ts";

let door: TestDoor;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

describe("a body of lines", () => {
  const good = { user_id: "liner", item_id: "a0", type: "view" };
  const send = (body: string): Promise<Answer> =>
    door.caller.ask("/v1/events", { method: "POST", body, headers: { "content-type": ndjsonType } });
  const results = ({ json }: Answer): readonly { reason: string; message: string }[] =>
    json.results as { reason: string; message: string }[];

  it.each(["x\n", "\n"])("of more lines than may be is refused: %j", async (line) => {
    for (const count of [ndjsonLinesMax + 1, ndjsonBytesMax / line.length]) {
      const refused = await send(line.repeat(count));
      expect(refused.status).toBe(413);
      expect(refused.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
      expect(refused.json).toMatchObject({
        reason: "batch_too_large",
        field: "events",
        detail: "events: the body has more than 50000 lines, at most these are taken",
      });
      const next = await send(JSON.stringify(good));
      expect([next.port, next.json.accepted]).toEqual([refused.port, 1]);
    }
  });

  it("of as many lines as may be has a result each, and others are answered meanwhile", async () => {
    const another = openCaller(door.address);
    try {
      let done = false;
      const sent = send("x\n".repeat(ndjsonLinesMax)).finally(() => {
        done = true;
      });
      let meanwhile = 0;
      while (!done) {
        expect((await another.ask("/healthz")).status).toBe(200);
        if (!done) meanwhile++;
      }
      const answer = await sent;
      expect(answer.status).toBe(200);
      expect(answer.json.accepted).toBe(0);
      expect(results(answer)).toHaveLength(ndjsonLinesMax);
      expect(results(answer).at(-1)).toMatchObject({ reason: "bad_line", message: expect.stringMatching(/^line 50000: /) });
      expect(meanwhile).toBeGreaterThan(5);
    } finally {
      another.close();
    }
  });

  it("names a line by its number in the body, empty ones counted, and begins behind a byte order mark", async () => {
    const answer = await send(`\ufeff${JSON.stringify(good)}\r\n\n   \nnonsense\n\n{"colour":1}\n`);
    expect(answer.status).toBe(200);
    expect(results(answer).map(({ reason }) => reason)).toEqual(["", "bad_line", "bad_line"]);
    expect(results(answer)[1]?.message).toMatch(/^line 4: /);
    expect(results(answer)[2]?.message).toMatch(/^line 6: .*colour/);
  });

  it("has a number of its own for every line behind the first thousand", async () => {
    const answer = await send(`${"\n".repeat(1500)}x\n${`${JSON.stringify(good)}\n`.repeat(1200)}x`);
    const refused = results(answer).filter(({ reason }) => reason !== "");
    expect(refused.map(({ message }) => message.split(":")[0])).toEqual(["line 1501", "line 2702"]);
    expect(answer.json.accepted).toBe(1200);
  });

  it("with an instant in the first second of 1970 does not mean now", async () => {
    const times = [0.5, -0.5, 0, 1, undefined].map((time) => JSON.stringify({ ...good, time }));
    const answer = await send(times.join("\n"));
    expect(results(answer).map(({ reason }) => reason)).toEqual(["time_behind", "time_behind", "", "time_behind", ""]);
  });

  it("says no more of a line than a person reads", async () => {
    const answer = await send(JSON.stringify({ [`k${"y".repeat(1 << 20)}`]: 1 }));
    expect(results(answer)[0]?.message.length).toBeLessThan(300);
  });

  it("of empty lines needs an event", async () => {
    const answer = await send("\n\n");
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ reason: "invalid_field", field: "events", detail: "events: needs at least one event" });
  });
});
