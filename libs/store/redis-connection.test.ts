import { afterEach, beforeEach, expect, it } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import { freePorts } from "#libs/testing/free-port.ts";
import { ask, type OwnRedis, startRedis, until, withOwnRedis } from "#libs/testing/redis-servers.ts";
import { defineScript, openRedis, type RedisConnection } from "./redis-connection.ts";
import { createRedisProfileStore } from "./redis-profile-store.ts";

const failureOf = (promise: Promise<unknown>): Promise<ModisteError> =>
  promise.then(
    () => {
      throw new Error("it succeeded");
    },
    (error: ModisteError) => error,
  );
/** Everything that a log could show of an error. */
const shown = (error: Error): string =>
  `${error.message} ${JSON.stringify(error)} ${error.stack} ${error.cause ? shown(error.cause as Error) : ""}`;

withOwnRedis("a connection to redis", () => {
  let redis: OwnRedis;
  let connection: RedisConnection | null;
  beforeEach(async () => {
    redis = await startRedis();
    connection = null;
  });
  afterEach(async () => {
    await connection?.close();
    await redis.remove();
  });
  const open = async (url = redis.settings.urls[0]!): Promise<RedisConnection> => {
    connection = await openRedis({ urls: [url], timeoutMs: 5000 });
    return connection;
  };
  const works = (opened: RedisConnection): Promise<boolean> =>
    opened.send([["get", "any"]]).then(
      () => true,
      () => false,
    );

  it("opens without a server, says that it is away, and works when it comes", async () => {
    await redis.kill();
    const opened = await open();
    const failure = await failureOf(opened.send([["get", "any"]]));
    expect(failure).toBeInstanceOf(ModisteError);
    expect([failure.code, failure.reason]).toEqual(["unavailable", "redis_unavailable"]);
    expect(failure.message).toContain(`redis at 127.0.0.1:${redis.port}`);
    await redis.start();
    await until(() => works(opened), "a connection");
  });
  it("says of every command that the server went away under it, and works when it is back", async () => {
    const opened = await open();
    const store = createRedisProfileStore(opened);
    expect(await store.get(["u"])).toEqual([null]);
    await redis.kill();
    const failures = await Promise.all(
      [store.get(["u"]), store.apply("e/0", [], { from: 0, next: 1 }), store.position("e/0"), store.count()].map(failureOf),
    );
    expect(failures.map(({ code }) => code)).toEqual(["unavailable", "unavailable", "unavailable", "unavailable"]);
    await redis.start();
    await until(() => works(opened), "a connection");
    await store.apply("e/0", [], { from: 0, next: 1 });
  });
  it("gives a command up that is not answered in time", async () => {
    await open();
    const hasty = await openRedis({ urls: redis.settings.urls, timeoutMs: 50 });
    await ask(redis.port, "CLIENT PAUSE 60000 ALL");
    expect((await failureOf(hasty.send([["get", "any"]]))).code).toBe("unavailable");
    // Nobody says goodbye to a server that is paused.
    await redis.kill();
    await hasty.close();
  });
  it("shows no password, neither in the message nor in what is logged", async () => {
    await ask(redis.port, "CONFIG SET requirepass right");
    const opened = await open(`redis://somebody:s3cr3t-w0rd@127.0.0.1:${redis.port}`);
    const failure = await failureOf(opened.send([["get", "any"]]));
    expect(failure.code).toBe("unavailable");
    expect(shown(failure)).not.toContain("s3cr3t-w0rd");
    const entitled = await openRedis({ urls: [`redis://:right@127.0.0.1:${redis.port}`], timeoutMs: 5000 });
    expect(await works(entitled)).toBe(true);
    await entitled.close();
  });
  it("runs a script that the server has forgotten", async () => {
    const opened = await open();
    const script = defineScript("return ARGV[1]");
    const calls = [
      { keys: ["a"], args: ["1"] },
      { keys: ["b"], args: ["2"] },
    ];
    expect((await opened.run(script, calls)).map(String)).toEqual(["1", "2"]);
    await ask(redis.port, "SCRIPT FLUSH");
    expect((await opened.run(script, calls)).map(String)).toEqual(["1", "2"]);
  });
  it("answers more commands than go out at once, in their order", async () => {
    const opened = await open();
    const numbers = Array.from({ length: 1500 }, (_, i) => `${i}`);
    await opened.send(numbers.map((n) => ["set", n, n]));
    expect((await opened.send(numbers.map((n) => ["get", n]))).map(String)).toEqual(numbers);
  });
  it("calls a refusal of a command of ours a fault of ours", async () => {
    const opened = await open();
    await opened.send([["set", "text", "x"]]);
    expect((await failureOf(opened.send([["hget", "text", "f"]]))).code).toBe("internal");
  });
  it("opens a Cluster that is not there", async () => {
    const [port] = (await freePorts(1)) as [number];
    connection = await openRedis({ urls: [`redis://127.0.0.1:${port}`], cluster: true, timeoutMs: 500 });
    const store = createRedisProfileStore(connection);
    expect((await failureOf(store.get(["u"]))).code).toBe("unavailable");
    expect((await failureOf(store.position("e/0"))).code).toBe("unavailable");
  });
});
