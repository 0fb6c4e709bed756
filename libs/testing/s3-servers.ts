/** Servers of S3 in tests: the one that the environment names, and a wire to it that a test can cut. */

import { randomUUID } from "node:crypto";
import { connect as connectSocket, createServer, type Server, type Socket } from "node:net";
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { readEnvironment } from "#libs/config/environment.ts";
import type { S3Settings } from "#libs/release/s3-bucket.ts";
import { missingServer } from "./missing-server.ts";

const variable = "MODISTE_TEST_S3";

export type TestS3 = S3Settings & { readonly endpoint: string; readonly credentials: NonNullable<S3Settings["credentials"]> };

/** Runs a suite over the server that the environment names ("http://key:secret@host:port"). Skipped without one, which fails where CI=true. */
export function overS3(suite: (settings: TestS3) => void): void {
  const environment = readEnvironment();
  const named = environment[variable];
  if (named !== undefined) {
    const { protocol, host, username, password } = new URL(named);
    suite({ endpoint: `${protocol}//${host}`, region: "us-east-1", credentials: { accessKeyId: username, secretAccessKey: password } });
    return;
  }
  missingServer("over S3", `${variable} names no server ("http://key:secret@host:port")`);
}

/** A bucket of its own, by its bare objects. */
export interface TestBucket {
  readonly name: string;
  keys(): Promise<string[]>;
  get(key: string): Promise<Buffer>;
  put(key: string, bytes: string | Uint8Array): Promise<void>;
  drop(key: string): Promise<void>;
  close(): void;
}

export async function createTestBucket({ endpoint, region = "us-east-1", credentials }: TestS3): Promise<TestBucket> {
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const name = `modiste-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: name }));
  return {
    name,
    keys: async () => (await client.send(new ListObjectsV2Command({ Bucket: name }))).Contents?.map(({ Key: key }) => key!) ?? [],
    get: async (key) => {
      const { Body: body } = await client.send(new GetObjectCommand({ Bucket: name, Key: key }));
      return Buffer.from(await body!.transformToByteArray());
    },
    put: async (key, bytes) => void (await client.send(new PutObjectCommand({ Bucket: name, Key: key, Body: bytes }))),
    drop: async (key) => void (await client.send(new DeleteObjectCommand({ Bucket: name, Key: key }))),
    close: () => client.destroy(),
  };
}

export interface Wire {
  /** Stands in for the server behind it. */
  readonly endpoint: string;
  /** Requests that came through, by their first lines. */
  readonly requests: readonly string[];
  /** Refuses connections and breaks those that there are. */
  cut(): void;
  /** Takes connections and answers nothing; at most `bytes` more of an answer come through. */
  stall(bytes?: number): void;
  mend(): void;
  /** Keeps the next request that fits back until `release`; `held` resolves when it has come. */
  hold(pattern: RegExp): { readonly held: Promise<void>; release(): void };
  close(): Promise<void>;
}

/** A TCP proxy before a server of S3. */
export async function openWire(endpoint: string): Promise<Wire> {
  const { hostname, port } = new URL(endpoint);
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let isCut = false;
  let holding: { readonly pattern: RegExp; take(send: () => void): void } | null = null;
  let bytesLeft = Number.POSITIVE_INFINITY;
  const follow = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sockets.delete(socket));
  };
  const server: Server = createServer((caller) => {
    follow(caller);
    if (isCut) return void caller.destroy();
    const target = connectSocket(Number(port), hostname);
    follow(target);
    caller.on("data", (chunk: Buffer) => {
      const line = /^(?:GET|PUT|HEAD|POST|DELETE) \S+/.exec(chunk.toString("latin1"));
      if (line) requests.push(line[0]);
      if (line && holding?.pattern.test(line[0])) holding.take(() => target.write(chunk));
      else target.write(chunk);
    });
    target.on("data", (chunk: Buffer) => {
      const through = chunk.subarray(0, Math.min(chunk.length, bytesLeft));
      bytesLeft -= through.length;
      if (through.length > 0) caller.write(through);
    });
    caller.on("close", () => target.destroy());
    // What the server said before it closed still goes through; what breaks a wire breaks both sides by itself.
    target.on("close", () => caller.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    endpoint: `http://127.0.0.1:${own}`,
    requests,
    cut: () => {
      isCut = true;
      breakAll();
    },
    stall: (bytes = 0) => {
      bytesLeft = bytes;
    },
    mend: () => {
      isCut = false;
      bytesLeft = Number.POSITIVE_INFINITY;
      breakAll();
    },
    hold: (pattern) => {
      let send = (): void => undefined;
      const held = new Promise<void>((resolve) => {
        holding = {
          pattern,
          take: (later) => {
            holding = null;
            send = later;
            resolve();
          },
        };
      });
      return { held, release: () => send() };
    },
    close: async () => {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
