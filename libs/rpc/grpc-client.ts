/** The way to a peer over gRPC. grpc-js is driven without a wrapper: deadlines and trailers pass through whole, and a call costs less. */

import { type ChannelOptions, Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { Transport } from "./client-call.ts";
import { type MessageType, type MethodDefinition, methodPath, type ServiceDefinition } from "./definition.ts";
import { fieldHeader, reasonHeader, statusError } from "./errors.ts";
import { messageBytesMax } from "./message-size.ts";

/** Round robin with short re-resolution sees new replicas (with `grpc.max_connection_age_ms` of servers; grpc-node#2455). */
const channelOptions: ChannelOptions = {
  "grpc.enable_retries": 0,
  "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  "grpc.dns_min_time_between_resolutions_ms": 2_000,
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 2_000,
  "grpc.max_receive_message_length": messageBytesMax,
  "grpc.max_send_message_length": messageBytesMax,
};

export interface GrpcTransport {
  readonly transport: Transport;
  close(): void;
}

/** @param target as grpc-js reads it, such as "dns:///itemcf:50051". Connects with the first call. */
export function openGrpcTransport(target: string): GrpcTransport {
  const client = new Client(target, credentials.createInsecure(), channelOptions);
  return { transport: unaryTransport(client), close: () => client.close() };
}

function unaryTransport(client: Client): Transport {
  return (definition, key, request, { metadata, deadline, signal }) =>
    new Promise((resolve, reject) => {
      const { requestType, responseType } = definition.methods[key] as MethodDefinition;
      const cancel = (): void => call.cancel();
      const call = client.makeUnaryRequest(
        methodUri(definition, key),
        encoder(requestType),
        decoder(responseType),
        request,
        toMetadata(metadata),
        deadline === undefined ? {} : { deadline },
        (error, answer) => {
          signal.removeEventListener("abort", cancel);
          if (error === null) resolve(answer);
          else reject(signal.aborted ? signal.reason : fromServiceError(error));
        },
      );
      signal.addEventListener("abort", cancel);
    });
}

export function methodUri(definition: ServiceDefinition, key: string): string {
  return `/${methodPath(definition, key)}`;
}

export function encoder(type: MessageType): (message: unknown) => Buffer {
  return (message) => {
    const bytes = type.encode(message).finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

export function decoder(type: MessageType): (bytes: Buffer) => unknown {
  return (bytes) => type.decode(bytes);
}

function toMetadata(values: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const name in values) metadata.set(name, values[name] as string);
  return metadata;
}

function fromServiceError(error: ServiceError): Error {
  const first = (name: string): string | undefined => error.metadata?.get(name)[0]?.toString();
  return statusError(error.code, error.details, first(reasonHeader), first(fieldHeader));
}
