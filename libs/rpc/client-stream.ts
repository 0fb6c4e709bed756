/** Methods whose requests stream: each message is a call of a unary method, so that nothing that guards a call is done twice or left out. */

import type { Server, ServerReadableStream, sendUnaryData } from "@grpc/grpc-js";
import { ModisteError } from "#libs/core/errors.ts";
import type { Binding, ClientStream, MethodDefinition } from "./definition.ts";
import { methodPath } from "./definition.ts";
import { decoder, encoder } from "./grpc-client.ts";
import { incomingCall, toStatus } from "./grpc-incoming.ts";
import type { ServedMethod } from "./serve-call.ts";

/** Adds the streaming methods of a binding; `methods` are its unary ones, served. */
export function addClientStreams(server: Server, { definition, streams }: Binding, methods: ReadonlyMap<string, ServedMethod>): void {
  for (const [key, stream] of streams) {
    const unary = methods.get(stream.over);
    const method = definition.methods[key];
    if (unary === undefined || method === undefined)
      throw new ModisteError("internal", "invariant_broken", `${key} of ${definition.fullName} streams over a method that is not there`);
    addStream(server, methodPath(definition, key), key, method, stream, unary);
  }
}

function addStream(server: Server, path: string, key: string, method: MethodDefinition, stream: ClientStream, unary: ServedMethod): void {
  const { requestType, responseType } = method;
  server.addService(
    {
      [key]: {
        path: `/${path}`,
        requestStream: true,
        responseStream: false,
        requestSerialize: encoder(requestType),
        requestDeserialize: decoder(requestType),
        responseSerialize: encoder(responseType),
        responseDeserialize: decoder(responseType),
      },
    },
    {
      [key]: (call: ServerReadableStream<unknown, unknown>, callback: sendUnaryData<unknown>) => {
        fold(call, stream, unary).then(
          (total) => callback(null, total),
          (error: unknown) => callback(toStatus(error)),
        );
      },
    },
  );
}

/** The next message is read when the one before it is answered: a fast sender waits at its own end. */
async function fold(call: ServerReadableStream<unknown, unknown>, { empty, add }: ClientStream, unary: ServedMethod): Promise<unknown> {
  const incoming = incomingCall(call, unary.path);
  let total = empty;
  for await (const request of call) total = add(total, request, await unary.call(request, incoming));
  return total;
}
