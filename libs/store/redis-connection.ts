/**
 * A connection to Redis, one server or a Cluster, that fails fast: nothing waits in a queue for a server that is away, a command that was not
 * answered in time is given up, and what a lost connection left open is never sent again behind the caller's back. Who calls decides to try again.
 */

import { createHash } from "node:crypto";
import { Cluster, Redis } from "ioredis";
import { ModisteError } from "#libs/core/errors.ts";

export interface RedisSettings {
  /** redis:// or rediss:// (TLS), with user and password where the server asks for them; several are nodes of one Cluster. */
  readonly urls: readonly string[];
  /** Says that a single URL is a node of a Cluster. */
  readonly cluster?: boolean;
  /** Milliseconds after which a command is given up. */
  readonly timeoutMs?: number;
}

export type RedisArgument = string | number | Buffer;
export type RedisCommand = readonly [name: string, ...args: RedisArgument[]];

export interface RedisScript {
  readonly source: string;
  readonly sha: string;
}

export interface ScriptCall {
  /** In one hash slot. */
  readonly keys: readonly string[];
  readonly args: readonly RedisArgument[];
}

export interface RedisConnection {
  readonly isCluster: boolean;
  /**
   * All are sent before any answer is waited for, each to the node of its key; nothing is said about the order in which they are carried out.
   * Answers stand in the order of the commands, texts as Buffers.
   * Throws `unavailable` when Redis cannot be reached, is not ready or answers too late: some commands may have been carried out all the same.
   */
  send(commands: readonly RedisCommand[]): Promise<unknown[]>;
  /** Runs one script many times, as `send` does. */
  run(script: RedisScript, calls: readonly ScriptCall[]): Promise<unknown[]>;
  /** One command on every master that is known; answers in no order. */
  onMasters(command: RedisCommand): Promise<unknown[]>;
  /** All keys that match the pattern, as SCAN gives them: in pages, in no order, one twice where Redis is being resized. */
  scan(pattern: string): AsyncIterable<readonly string[]>;
  /** Asks a Cluster again who serves what. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export const defineScript = (source: string): RedisScript => ({ source, sha: createHash("sha1").update(source).digest("hex") });

const defaultTimeoutMs = 250;
/** Commands that are sent before answers are waited for: more would run into the time limit of a command. */
const pipelineMax = 512;
/** Keys that Redis looks at for one answer of SCAN. */
const scanCount = 1000;
/** Longest wait for the first connection; without one the commands say so. */
const openingMsMax = 2000;

const backoffMs = (tries: number): number => Math.min(50 * 2 ** Math.min(tries - 1, 6), 2000);

type Answer = readonly [error: Error | null, value: unknown];

/** Resolves when the server is there, or could not be reached: then commands throw `unavailable` until it is, and the caller tries again. */
export async function openRedis(settings: RedisSettings): Promise<RedisConnection> {
  const { urls, timeoutMs = defaultTimeoutMs } = settings;
  const [first] = urls;
  if (first === undefined) throw new ModisteError("invalid_argument", "no_redis", "there is no URL of Redis");
  const isCluster = settings.cluster === true || urls.length > 1;
  const name = `redis at ${urls.map((url) => new URL(url).host).join(", ")}`;
  const options: NodeOptions = {
    commandTimeout: timeoutMs,
    connectTimeout: Math.max(1000, timeoutMs),
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // A server that was made a replica under an open connection refuses writes: its name may stand for another one by now.
    reconnectOnError: (error: Error) => error.message.startsWith("READONLY"),
  };
  const client = isCluster
    ? openCluster(urls, options)
    : new Redis(first, { ...options, enableOfflineQueue: false, retryStrategy: backoffMs });
  /** Why the connection was lost, for those whose commands fail meanwhile. */
  let lost: Error | null = null;
  client.on("error", (error: Error) => {
    lost = error;
  });
  client.on("ready", () => {
    lost = null;
  });
  const failure = (error: Error): ModisteError => asModisteError(name, error, lost);
  await firstAnswer(client);

  const answersOf = async (commands: readonly RedisCommand[]): Promise<Answer[]> => {
    if (!isCluster) {
      const pipeline = client.pipeline();
      for (const [command, ...args] of commands) pipeline.callBuffer(command, ...args);
      const answers = await pipeline.exec().catch((error: Error) => commands.map(() => [error, null] as Answer));
      return (answers ?? []) as Answer[];
    }
    // Each for itself: a Cluster's redirections are followed by command. Those of a node go out together all the same.
    return Promise.all(
      commands.map(([command, ...args]) =>
        client.callBuffer(command, ...args).then(
          (value): Answer => [null, value],
          (error: Error): Answer => [error, null],
        ),
      ),
    );
  };
  const valuesOf = (answers: readonly Answer[]): unknown[] =>
    answers.map(([error, value]) => {
      if (error) throw failure(error);
      return value;
    });
  const send = async (commands: readonly RedisCommand[]): Promise<unknown[]> => {
    const values: unknown[] = [];
    for (let from = 0; from < commands.length; from += pipelineMax) {
      values.push(...valuesOf(await answersOf(commands.slice(from, from + pipelineMax))));
    }
    return values;
  };
  const runSome = async ({ sha, source }: RedisScript, calls: readonly ScriptCall[]): Promise<unknown[]> => {
    const command = (how: string, what: string, { keys, args }: ScriptCall): RedisCommand => [how, what, keys.length, ...keys, ...args];
    const answers = await answersOf(calls.map((call) => command("evalsha", sha, call)));
    const unknown = answers.flatMap(([error], i) => (error?.message.startsWith("NOSCRIPT") ? [i] : []));
    const again = await answersOf(unknown.map((i) => command("eval", source, calls[i]!)));
    for (const [at, i] of unknown.entries()) answers[i] = again[at]!;
    return valuesOf(answers);
  };
  const masters = (): Redis[] => (client instanceof Cluster ? client.nodes("master") : [client]);
  return {
    isCluster,
    send,
    run: async (script, calls) => {
      const values: unknown[] = [];
      for (let from = 0; from < calls.length; from += pipelineMax)
        values.push(...(await runSome(script, calls.slice(from, from + pipelineMax))));
      return values;
    },
    onMasters: async ([command, ...args]) => {
      const nodes = masters();
      if (nodes.length === 0) throw failure(new Error("no node of the Cluster is known"));
      return Promise.all(nodes.map((node) => node.callBuffer(command, ...args))).catch((error: Error) => {
        throw failure(error);
      });
    },
    scan: async function* (pattern) {
      for (const node of masters()) {
        let cursor = "0";
        do {
          const [next, keys] = await node.scan(cursor, "MATCH", pattern, "COUNT", scanCount).catch((error: Error) => {
            throw failure(error);
          });
          cursor = next;
          if (keys.length > 0) yield keys;
        } while (cursor !== "0");
      }
    },
    refresh: async () => {
      if (!(client instanceof Cluster)) return;
      await new Promise<void>((resolve, reject) => {
        client.refreshSlotsCache((error) => (error ? reject(failure(error)) : resolve()));
      });
    },
    close: async () => {
      // Says goodbye where anybody listens; a server that is away is left as it is.
      if (client.status === "ready") await client.quit().catch(() => client.disconnect());
      else client.disconnect();
    },
  };
}

/** How each node is spoken to. */
interface NodeOptions {
  readonly commandTimeout: number;
  readonly connectTimeout: number;
  readonly maxRetriesPerRequest: number;
  readonly autoResendUnfulfilledCommands: boolean;
  readonly reconnectOnError: (error: Error) => boolean;
}

function openCluster(urls: readonly string[], options: NodeOptions): Cluster {
  const { username, password, protocol } = new URL(urls[0]!);
  const isEncrypted = protocol === "rediss:";
  return new Cluster([...urls], {
    enableOfflineQueue: false,
    clusterRetryStrategy: backoffMs,
    clusterNodeRetryStrategy: backoffMs,
    // Few: a command that is sent on and on only ends by its time limit.
    maxRedirections: 4,
    slotsRefreshTimeout: 2000,
    redisOptions: {
      ...options,
      ...(username === "" ? {} : { username: decodeURIComponent(username) }),
      ...(password === "" ? {} : { password: decodeURIComponent(password) }),
      ...(isEncrypted ? { tls: {} } : {}),
    },
    // A certificate is for the name, not for the address behind it.
    ...(isEncrypted ? { dnsLookup: (address: string, done: (error: null, address: string) => void) => done(null, address) } : {}),
  });
}

/** Resolves when the client is ready, has failed for the first time, or has had its time. */
function firstAnswer(client: Redis | Cluster): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      for (const event of ["ready", "error", "end"]) client.off(event, settle);
      resolve();
    };
    const timer = setTimeout(settle, openingMsMax);
    for (const event of ["ready", "error", "end"]) client.once(event, settle);
  });
}

/** Refusals that are bugs of ours; all others pass with the state of the server. */
const isOurFault = (message: string): boolean => /^(ERR|WRONGTYPE|CROSSSLOT|NOPERM)\b/.test(message);

/** Without the client's own error objects: those carry the arguments of the command, the password of AUTH among them. */
function asModisteError(name: string, error: Error, lost: Error | null): ModisteError {
  const cause = new Error(lost === null ? error.message : `${error.message}; ${lost.message}`);
  return isOurFault(error.message)
    ? new ModisteError("internal", "redis_refused", `${name} refuses a command of ours`, { cause })
    : new ModisteError("unavailable", "redis_unavailable", `${name} does not answer as it should: ${error.message}`, { cause });
}
