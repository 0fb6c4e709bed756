import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { aborted, defer } from "#libs/testing/rpc-harness.ts";
import { type DoorOptions, openCaller, openDoor, type TestDoor } from "./door.fixture.ts";

const open: TestDoor[] = [];
const opened = async (options?: DoorOptions): Promise<TestDoor> => {
  const door = await openDoor(options);
  open.push(door);
  return door;
};
afterEach(async () => {
  for (const door of open.splice(0)) await door.close();
});

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";

describe("callers", () => {
  it("one that leaves aborts the call, in the middle of it", async () => {
    const begun = defer<AbortSignal>();
    const door = await opened({
      handlers: {
        popular: (_request, { signal }) => {
          begun.resolve(signal);
          return new Promise(() => undefined);
        },
      },
    });
    const leaving = new AbortController();
    const answer = door.caller.ask("/v1/popular", { signal: leaving.signal });
    const signal = await begun.promise;
    expect(signal.aborted).toBe(false);
    leaving.abort();
    await expect(answer).rejects.toThrow("aborted");
    expect(await aborted(signal)).toMatchObject({ code: "cancelled" });
  });

  it("many requests over one connection leave no listeners on it, and none is aborted", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    const signals: AbortSignal[] = [];
    const door = await opened({
      handlers: {
        popular: async (_request, { signal }) => {
          signals.push(signal);
          return {};
        },
      },
    });
    const ports = new Set<number>();
    for (let i = 0; i < 30; i++) ports.add((await door.caller.ask("/v1/popular")).port);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", onWarning);
    expect(ports.size).toBe(1);
    expect(signals.length).toBe(30);
    expect(signals.filter((signal) => signal.aborted)).toEqual([]);
    expect(warnings.filter(({ name }) => name === "MaxListenersExceededWarning")).toEqual([]);
  });

  it("a deadline of theirs holds", async () => {
    const door = await opened({ handlers: { popular: () => new Promise(() => undefined) } });
    const answer = await door.caller.ask("/v1/popular", { headers: { "x-modiste-timeout-ms": "20" } });
    expect(answer.status).toBe(504);
    expect(answer.json).toMatchObject({ title: "Gateway Timeout", code: "deadline_exceeded" });
  });

  it("their trace goes on", async () => {
    const door = await opened();
    const headers = { traceparent: `00-${trace}-00f067aa0ba902b7-01` };
    expect((await door.caller.ask("/v1/popular", { headers })).json.trace_id).toBe(trace);
    expect((await door.caller.ask("/v1/recommendations", { method: "POST", body: {}, headers })).json.trace_id).toBe(trace);
    expect((await door.caller.ask("/v1/popular", { headers: { traceparent: "nonsense" } })).json.trace_id).toMatch(/^[0-9a-f]{32}$/);
  });

  it("those who find no place are answered from the gateway's own list, told so, and counted", async () => {
    const whole = await opened();
    const full = await opened({ answersMax: 0 });
    const path = "/v1/recommendations?user_id=known&n=2";
    expect((await whole.caller.ask(path)).json).toMatchObject({ coverage: { user: "KNOWN", degraded: [] } });
    const { status, json } = await full.caller.ask(path);
    expect(status).toBe(200);
    expect(json).toMatchObject({ items: [{}, {}], coverage: { user: "UNAVAILABLE", degraded: ["profile:resource_exhausted"] } });
    expect((await full.caller.ask("/metrics")).text).toContain("modiste_answers_shed_total 1");
    expect((await whole.caller.ask("/metrics")).text).toContain("modiste_answers_shed_total 0");
  });

  it("nobody gets in with the gateway's own key", async () => {
    const door = await opened({ peer: { server: { keys: ["secret"] }, connector: { key: "secret" } } });
    const without = await door.caller.ask("/v1/popular");
    expect(without.status).toBe(401);
    expect(without.json).toMatchObject({ reason: "key_missing", code: "unauthenticated" });
    expect((await door.caller.ask("/v1/popular", { headers: { authorization: "Bearer wrong" } })).json.reason).toBe("key_unknown");
    expect((await door.caller.ask("/v1/popular", { headers: { authorization: "Bearer secret" } })).status).toBe(200);
  });
});

describe("faults of ours", () => {
  it("are logged, told without their cause, and the next request is answered", async () => {
    const door = await opened({
      handlers: {
        popular: async () => {
          throw new Error("the secret cause");
        },
      },
    });
    const answer = await door.caller.ask("/v1/popular");
    expect(answer.status).toBe(500);
    expect(answer.json).toMatchObject({ title: "Internal Server Error", code: "internal" });
    expect(answer.text).not.toContain("secret");
    expect(door.logged.some(({ level }) => level === "error")).toBe(true);
    expect((await door.caller.ask("/healthz")).port).toBe(answer.port);
  });
});

describe("Host names", () => {
  it.each(["evil.example", "127.0.0.1.evil.example", "evil.example:8080", "localhost.evil.example"])(
    "%s is refused, also where there is no route",
    async (host) => {
      const door = await opened();
      for (const path of ["/v1/popular", "/", "/nowhere", "/metrics"]) {
        const answer = await door.caller.ask(path, { headers: { host } });
        expect(answer.status).toBe(403);
        expect(answer.json).toMatchObject({
          code: "permission_denied",
          reason: "unknown_host",
          detail: `Host "${host}" is not answered; see MODISTE_HTTP_HOSTS`,
        });
      }
      expect(door.logged.filter(({ level }) => level === "error")).toEqual([]);
    },
  );

  it("any name is answered where callers must name a key, unless names are configured", async () => {
    const headers = { host: "gateway.modiste:8080" };
    expect((await (await opened({ isKeyed: true })).caller.ask("/healthz", { headers })).status).toBe(200);
    expect((await (await opened({ isKeyed: true, hosts: ["shop.example"] })).caller.ask("/healthz", { headers })).status).toBe(403);
  });

  it("loopback names and configured ones are answered", async () => {
    const door = await opened({ hosts: ["shop.example"] });
    for (const host of ["localhost", "localhost:8080", "127.0.0.1", "[::1]:8080", "shop.example", "SHOP.example:443"]) {
      expect((await door.caller.ask("/healthz", { headers: { host } })).status, host).toBe(200);
    }
  });
});

describe("the protocol", () => {
  it("HEAD answers as GET does, without a body", async () => {
    const door = await opened();
    const head = await door.caller.ask("/v1/popular", { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(head.text).toBe("");
    expect(Number(head.headers["content-length"])).toBeGreaterThan(100);
    expect((await door.caller.ask("/v1/events", { method: "HEAD" })).status).toBe(405);
  });

  it("OPTIONS names the methods; a page of another origin is allowed nothing", async () => {
    const door = await opened();
    const options = await door.caller.ask("/v1/recommendations", { method: "OPTIONS", headers: { origin: "https://evil.example" } });
    expect(options.status).toBe(204);
    expect(options.headers.allow).toBe("GET, HEAD, POST, OPTIONS");
    expect(Object.keys(options.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect((await door.caller.ask("/nowhere", { method: "OPTIONS" })).status).toBe(404);
  });

  it.each(["/v1/popular", "/v1/users/u", "/healthz", "/metrics", "/page/start", "/", "/nowhere"])("no cache keeps %s", async (path) => {
    const door = await opened();
    expect((await door.caller.ask(path)).headers["cache-control"]).toBe("no-store");
  });

  it("what is no HTTP at all ends its own connection only", async () => {
    const door = await opened();
    const { port } = new URL(door.address);
    const socket = connect(Number(port), "127.0.0.1");
    socket.end("GARBAGE\r\n\r\n");
    const text = await new Promise<string>((resolve) => {
      let received = "";
      socket.on("data", (chunk: Buffer) => {
        received += chunk.toString();
      });
      socket.on("close", () => resolve(received));
    });
    expect(text).toMatch(/^HTTP\/1.1 400 /);
    expect((await door.caller.ask("/healthz")).status).toBe(200);
    expect(door.logged.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("a drained door finishes what is under way", async () => {
    const begun = defer<void>();
    const go = defer<void>();
    const door = await openDoor({
      handlers: {
        popular: async () => {
          begun.resolve();
          await go.promise;
          return {};
        },
      },
    });
    const caller = openCaller(door.address);
    const answer = caller.ask("/v1/popular");
    await begun.promise;
    const closed = door.close();
    go.resolve();
    expect((await answer).status).toBe(200);
    await closed;
    await expect(caller.ask("/healthz")).rejects.toThrow(/ECONNREFUSED|hang up/);
    caller.close();
  });
});

describe("draining", () => {
  it("answers who keeps a connection open, closing it, and ends with the last of them", async () => {
    const door = await opened({ lingerMs: 600_000 });
    const other = openCaller(door.address);
    expect((await door.caller.ask("/v1/popular")).headers.connection).toBe("keep-alive");
    expect((await other.ask("/v1/popular")).headers.connection).toBe("keep-alive");
    const drained = door.drain();
    for (const caller of [door.caller, other]) {
      const answer = await caller.ask("/v1/popular");
      expect([answer.status, answer.headers.connection]).toEqual([200, "close"]);
    }
    await drained;
    await expect(door.caller.ask("/v1/popular")).rejects.toThrow("ECONNREFUSED");
    other.close();
  });

  it("waits for silent connections only so long", async () => {
    const door = await opened({ lingerMs: 20 });
    await door.caller.ask("/v1/popular");
    await door.drain();
    await expect(door.caller.ask("/v1/popular")).rejects.toThrow(/ECONNREFUSED|hang up/);
  });
});

describe("the page", () => {
  it("is served with a policy that runs nothing inline and nothing from elsewhere", async () => {
    const door = await opened();
    const page = await door.caller.ask("/");
    expect(page.headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(page.headers["x-content-type-options"]).toBe("nosniff");
    expect(page.text).not.toMatch(/<script(?! type="module" src="\/page.js")|style=|https?:\/\//);
    expect((await door.caller.ask("/page.js")).headers["content-type"]).toBe("text/javascript; charset=utf-8");
  });

  it("starts with what the shop has", async () => {
    const door = await opened();
    expect((await door.caller.ask("/page/start")).json).toEqual({
      release: "r1",
      data: "six",
      data_end: 1_600_819_200,
      items: 6,
      categories: ["Dress", "Shirt"],
      colours: { attribute: "colour", values: ["White", "Black"] },
      priced: true,
      surfaces: ["home", "product", "basket", "email"],
      sources: { fifth: "what is new" },
      users: [],
    });
  });
});
