/**
 * A replica of the version whose contract is `protos/base.binpb`, as the wire sees it: it stands before one of ours, reads and writes every message
 * with the old descriptors, and so loses on the way whatever that version does not know; methods that it does not have it does not answer.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  Client,
  credentials,
  type Deadline,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceError,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type AnyDefinition, loadFileDescriptorSetFromBuffer, type MethodDefinition, type ServiceDefinition } from "@grpc/proto-loader";

const base = fileURLToPath(new URL("../../protos/base.binpb", import.meta.url));

const isService = (definition: AnyDefinition): definition is ServiceDefinition => !("format" in definition);

/** Its services by full name. */
export function oldServices(): ReadonlyMap<string, ServiceDefinition> {
  const all = loadFileDescriptorSetFromBuffer(readFileSync(base), { longs: Number, enums: String, defaults: true });
  return new Map(Object.entries(all).flatMap(([name, definition]) => (isService(definition) ? [[name, definition] as const] : [])));
}

type Message = Record<string, unknown>;
type OldMethod = MethodDefinition<object, object>;

/** A client of that version. Fields are named as in the protos. */
export class OldClient {
  private readonly client: Client;
  private readonly service: ServiceDefinition;

  constructor(fullName: string, port: number) {
    const service = oldServices().get(fullName);
    if (service === undefined) throw new Error(`the old version has no ${fullName}`);
    this.service = service;
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  }

  call(name: string, request: Message): Promise<Message> {
    return unary(this.client, this.service[name] as OldMethod, request, { deadline: Date.now() + 20_000 });
  }

  close(): void {
    this.client.close();
  }
}

interface Passed {
  readonly metadata?: Metadata;
  readonly deadline: Deadline;
}

function unary(client: Client, method: OldMethod, request: object, { metadata = new Metadata(), deadline }: Passed): Promise<Message> {
  const { path, requestSerialize, responseDeserialize } = method;
  return new Promise((resolve, reject) => {
    const done = (error: ServiceError | null, answer?: object): void => (error ? reject(error) : resolve(answer as Message));
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, { deadline }, done);
  });
}

export interface OldReplica {
  readonly port: number;
  /** How many calls it has passed on. */
  readonly calls: () => number;
  /** Where ours listens. */
  standBefore(port: number): void;
  close(): void;
}

/** On a free port; answers nothing before it is told where ours is. */
export async function startOldReplica(): Promise<OldReplica> {
  const server = new Server();
  let client: Client | undefined;
  let calls = 0;
  for (const service of oldServices().values()) {
    const handlers: UntypedServiceImplementation = {};
    for (const [name, method] of Object.entries(service)) {
      const pass: handleUnaryCall<object, object> = (call, callback) => {
        calls++;
        const passed = { metadata: call.metadata, deadline: call.getDeadline() };
        unary(client!, method as OldMethod, call.request, passed).then(
          (answer) => callback(null, answer),
          (error: ServiceError) => callback({ code: error.code, details: error.details, metadata: error.metadata }),
        );
      };
      handlers[name] = pass;
    }
    server.addService(service as never, handlers);
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return {
    port,
    calls: () => calls,
    standBefore: (own) => {
      client = new Client(`127.0.0.1:${own}`, credentials.createInsecure());
    },
    close: () => {
      client?.close();
      server.forceShutdown();
    },
  };
}
