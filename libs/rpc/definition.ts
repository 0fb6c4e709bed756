/**
 * Types between ts-proto's generic service definitions, clients and implementations. Handlers and clients are unary; a method whose requests
 * stream runs its messages through a unary one (`ClientStream`).
 */

import type { CallContext } from "./call.ts";

/** What ts-proto writes for a message. Health's comes without `fromPartial`. */
export interface MessageType {
  encode(message: unknown): { finish(): Uint8Array };
  decode(input: Uint8Array): unknown;
  fromPartial?(object: unknown): unknown;
}

export interface MethodDefinition {
  readonly name: string;
  readonly requestType: MessageType;
  readonly requestStream: boolean;
  readonly responseType: MessageType;
  readonly responseStream: boolean;
  readonly options: { readonly idempotencyLevel?: "IDEMPOTENT" | "NO_SIDE_EFFECTS" };
}

export interface ServiceDefinition {
  readonly name: string;
  /** Such as "modiste.v1.Ranker". */
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

type MessageOf<Type> = Type extends { decode(input: Uint8Array): infer Message } ? Message : never;
type PartialOf<Type> = Type extends { fromPartial(object: infer Partial): unknown } ? Partial : MessageOf<Type>;

/** Keys of the methods that stream neither way. */
export type UnaryKey<D extends ServiceDefinition> = {
  [K in keyof D["methods"]]: D["methods"][K] extends { requestStream: false; responseStream: false } ? K : never;
}[keyof D["methods"]];

export interface CallOptions {
  /** Aborts the call and, through it, its callee. */
  readonly signal?: AbortSignal | undefined;
  /** The instant by which an answer must be here, milliseconds since 1970 UTC. The sooner of this and the caller's own counts. */
  readonly deadline?: number | undefined;
  /** The same, from now. */
  readonly timeoutMs?: number | undefined;
  /** ASCII values under lower-case names. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** One promise method for each unary method. Requests may leave fields out, as in `fromPartial`. Every rejection is a ModisteError. */
export type Client<D extends ServiceDefinition> = {
  readonly [K in UnaryKey<D>]: (
    request: PartialOf<D["methods"][K]["requestType"]>,
    options?: CallOptions,
  ) => Promise<MessageOf<D["methods"][K]["responseType"]>>;
};

/** One handler for each unary method. Answers may leave fields out. */
export type Implementation<D extends ServiceDefinition> = {
  readonly [K in UnaryKey<D>]: (
    request: MessageOf<D["methods"][K]["requestType"]>,
    context: CallContext,
  ) => Promise<PartialOf<D["methods"][K]["responseType"]>>;
};

/** A handler whose types were checked when it was bound. */
export type Handler = (request: unknown, context: CallContext) => Promise<unknown>;

/** Keys of the methods whose requests stream and whose answer does not. */
type StreamKey<D extends ServiceDefinition> = {
  [K in keyof D["methods"]]: D["methods"][K] extends { requestStream: true; responseStream: false } ? K : never;
}[keyof D["methods"]];

/**
 * A method that takes a stream of the unary method's requests: each goes through that method, middleware and all, when the one before it is
 * answered, and `add` folds the answers into one. Served over gRPC only; calls inside a process have arrays.
 */
export interface ClientStream {
  /** Key of the unary method. */
  readonly over: string;
  /** The answer to an empty stream. */
  readonly empty: unknown;
  readonly add: (total: unknown, request: unknown, answer: unknown) => unknown;
}

/** One `ClientStream` for each such method; messages may leave nothing out. */
export type ClientStreams<D extends ServiceDefinition> = {
  readonly [K in StreamKey<D>]: {
    readonly [U in UnaryKey<D>]: {
      readonly over: U;
      readonly empty: MessageOf<D["methods"][K]["responseType"]>;
      readonly add: (
        total: MessageOf<D["methods"][K]["responseType"]>,
        request: MessageOf<D["methods"][U]["requestType"]>,
        answer: MessageOf<D["methods"][U]["responseType"]>,
      ) => MessageOf<D["methods"][K]["responseType"]>;
    };
  }[UnaryKey<D>];
};

export interface Binding {
  readonly definition: ServiceDefinition;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly streams: ReadonlyMap<string, ClientStream>;
}

/** Joins a definition with its handlers, checked against each other. */
export function bind<const D extends ServiceDefinition>(
  definition: D,
  implementation: Implementation<D>,
  streams: Partial<ClientStreams<D>> = {},
): Binding {
  const loose = implementation as Readonly<Record<string, Handler>>;
  const handlers = new Map<string, Handler>();
  for (const key of unaryKeys(definition)) {
    const handler = loose[key];
    if (handler !== undefined) handlers.set(key, (request, context) => handler.call(implementation, request, context));
  }
  return { definition, handlers, streams: new Map(Object.entries(streams as Record<string, ClientStream>)) };
}

export function unaryKeys(definition: ServiceDefinition): string[] {
  return Object.entries(definition.methods).flatMap(([key, method]) => (method.requestStream || method.responseStream ? [] : [key]));
}

/** "modiste.v1.Ranker/Rank": the name of spans, metric labels and faults; with a slash before it, gRPC's path. */
export function methodPath(definition: ServiceDefinition, key: string): string {
  return `${definition.fullName}/${definition.methods[key]?.name ?? key}`;
}

/**
 * A whole message from a partial one: absent fields get their defaults, and nothing of the input is shared, so that on the local path
 * neither side can change what the other holds, just as over a wire. About 2 µs for 500 candidates.
 */
export function completeMessage(type: MessageType, message: unknown): unknown {
  return type.fromPartial === undefined ? { ...(message as object) } : type.fromPartial(message);
}
