/** A bucket of S3, or of what speaks its protocol, as a release store asks of it. Knows nothing of releases. */

import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import type { GetObjectCommandOutput, S3Client } from "@aws-sdk/client-s3";
import { isMissing, statusOf, toStoreFault } from "./s3-faults.ts";

export interface S3Settings {
  /** "https://minio.example:9000"; undefined: Amazon's own. The bucket is part of the path then, as such servers have no name for each. */
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  /** Undefined: what the SDK finds by itself, such as a workload identity. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

export interface S3Object {
  readonly text: string;
  /** Names this content; equal for equal writes at most. */
  readonly etag: string;
}

/** What must hold for a write: that nothing is there, or that the object still is the one that was read. */
export type WriteCondition = { readonly nothingThere: true } | { readonly still: string } | null;

/** Every method throws what `toStoreFault` says. */
export interface S3Bucket {
  /** Null where there is no such key, "same" where it still is what `known` names. */
  read(key: string, known?: string): Promise<S3Object | null | "same">;
  /** Null where there is no such key. Its reader must read it to the end or destroy it; it fails when nothing comes for `idleMsMax`. */
  stream(key: string): Promise<Readable | null>;
  /** False where the condition does not hold. A server that knows no conditions writes. */
  write(key: string, text: string, condition: WriteCondition): Promise<boolean>;
  /** A file, in several pieces where it is large. */
  upload(key: string, path: string): Promise<void>;
  /** Every key that begins so, in order of their UTF-8. */
  keys(prefix: string): Promise<string[]>;
  remove(key: string): Promise<void>;
}

const connectMsMax = 3000;
/** Longest silence of a connection. */
const idleMsMax = 10_000;
/** Longest time for a small object, tries and all. */
const smallMsMax = 20_000;
const tries = 3;
/** A file of more than one piece is sent as several at a time: so much memory is held for it, and 10,000 pieces are the most. */
const pieceBytes = 16 * 2 ** 20;
const piecesAtOnce = 3;

/** The SDK and a client. Only who keeps releases in S3 loads it. */
async function openClient({ endpoint, region, credentials }: S3Settings) {
  const sdk = await import("@aws-sdk/client-s3");
  const client: S3Client = new sdk.S3Client({
    ...(region === undefined && endpoint !== undefined ? { region: "us-east-1" } : {}),
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts: tries,
    requestHandler: { connectionTimeout: connectMsMax, socketTimeout: idleMsMax },
    // Releases carry sums of their own, and servers other than Amazon's know few of its checksums.
    requestChecksumCalculation: endpoint === undefined ? "WHEN_SUPPORTED" : "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  return { sdk, client };
}

const conditionHeaders = (condition: WriteCondition): { IfNoneMatch?: string; IfMatch?: string } =>
  condition === null ? {} : "still" in condition ? { IfMatch: condition.still } : { IfNoneMatch: "*" };

/** 409: another conditional write of the same key was under way. */
const isConditionFailed = (cause: unknown): boolean => statusOf(cause) === 412 || statusOf(cause) === 409;

export function openS3Bucket(bucket: string, settings: S3Settings): S3Bucket {
  const where = `bucket ${bucket}${settings.endpoint === undefined ? "" : ` at ${settings.endpoint}`}`;
  let opening: ReturnType<typeof openClient> | undefined;
  const open = (): ReturnType<typeof openClient> => (opening ??= openClient(settings));
  const small = () => ({ abortSignal: AbortSignal.timeout(smallMsMax) });
  const fault = (cause: unknown): never => {
    throw toStoreFault(cause, where);
  };
  const get = async (key: string, known: string | undefined, options: { abortSignal?: AbortSignal }): Promise<GetObjectCommandOutput> => {
    const { sdk, client } = await open();
    const input = { Bucket: bucket, Key: key, ...(known === undefined ? {} : { IfNoneMatch: known }) };
    return client.send(new sdk.GetObjectCommand(input), options);
  };
  const put = async (key: string, text: string, condition: WriteCondition): Promise<void> => {
    const { sdk, client } = await open();
    const input = { Bucket: bucket, Key: key, Body: text, ContentType: "application/json", ...conditionHeaders(condition) };
    await client.send(new sdk.PutObjectCommand(input), small());
  };
  return {
    read: async (key, known) => {
      try {
        const { Body: body, ETag: etag = "" } = await get(key, known, small());
        return { text: (await body?.transformToString("utf8")) ?? "", etag };
      } catch (cause) {
        if (statusOf(cause) === 304) return "same";
        if (isMissing(cause)) return null;
        return fault(cause);
      }
    },
    stream: async (key) => {
      try {
        // On Node the body is a stream of Node's; its silence ends with that of the socket.
        return (await get(key, undefined, {})).Body as Readable;
      } catch (cause) {
        return isMissing(cause) ? null : fault(cause);
      }
    },
    write: async (key, text, condition) => {
      try {
        await put(key, text, condition);
      } catch (cause) {
        if (condition !== null && isConditionFailed(cause)) return false;
        if (condition === null || statusOf(cause) !== 501) return fault(cause);
        await put(key, text, null).catch(fault);
      }
      return true;
    },
    upload: async (key, path) => {
      const [{ client }, { Upload }] = await Promise.all([open(), import("@aws-sdk/lib-storage")]);
      const params = { Bucket: bucket, Key: key, Body: createReadStream(path, { highWaterMark: 2 ** 20 }) };
      await new Upload({ client, params, partSize: pieceBytes, queueSize: piecesAtOnce }).done().catch(fault);
    },
    keys: async (prefix) => {
      const { sdk, client } = await open();
      const found: string[] = [];
      let next: string | undefined;
      do {
        const input = { Bucket: bucket, Prefix: prefix, ...(next === undefined ? {} : { ContinuationToken: next }) };
        const page = await client.send(new sdk.ListObjectsV2Command(input), small()).catch(fault);
        found.push(...(page.Contents ?? []).flatMap(({ Key: key }) => key ?? []));
        next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
      } while (next !== undefined);
      return found;
    },
    remove: async (key) => {
      const { sdk, client } = await open();
      await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }), small()).catch(fault);
    },
  };
}
