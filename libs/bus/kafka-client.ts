/** What every part of the Kafka adapter shares: the client, its log, and what its errors mean to us. */

import { setTimeout as delay } from "node:timers/promises";
import { Kafka, type KafkaConfig, logLevel } from "kafkajs";
import { type Clock, systemClock } from "#libs/core/clock.ts";
import { ModisteError } from "#libs/core/errors.ts";
import type { KafkaBusOptions, KafkaSasl } from "./kafka-options.ts";

/** Milliseconds. Short, since what waits here is bounded and tried again by those who asked. */
export const kafkaMs = { connection: 3_000, request: 5_000, metadata: 3_000 } as const;
/** About three seconds in all. The consumer does not start itself again: whoever supervises `finished` does. */
const retry = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5, restartOnFailure: async () => false };

const levels = { [logLevel.ERROR]: "warn", [logLevel.WARN]: "info", [logLevel.INFO]: "debug", [logLevel.DEBUG]: "trace" } as const;

/**
 * One client a producer, admin or consumer: those of one client share what they know of a group's offsets, which mixes up two consumers.
 * kafkajs calls an error what it will try again, so its lines are logged one level lower.
 */
export function createKafka({ brokers, clientId = "modiste", ssl = false, sasl, log }: KafkaBusOptions): Kafka {
  const config: KafkaConfig = {
    brokers: [...brokers],
    clientId,
    ssl,
    connectionTimeout: kafkaMs.connection,
    requestTimeout: kafkaMs.request,
    retry,
    logLevel: log ? logLevel.INFO : logLevel.NOTHING,
    logCreator:
      () =>
      ({ namespace, level, log: { message, timestamp: _, logger: _logger, stack: _stack, ...fields } }) => {
        const name = levels[level as keyof typeof levels];
        if (name !== undefined) log?.[name]({ kafka: namespace, ...fields }, message);
      },
  };
  return new Kafka(sasl ? { ...config, sasl: saslOf(sasl) } : config);
}

type SaslConfig = NonNullable<KafkaConfig["sasl"]>;
const saslOf = (sasl: KafkaSasl): SaslConfig => ({ ...sasl }) as SaslConfig;

export const clockOf = ({ clock = systemClock }: KafkaBusOptions): Clock => clock;

interface KafkaError extends Error {
  readonly retriable?: boolean;
  /** The broker's word for it. */
  readonly type?: string;
}

/** Said for some seconds after a broker's start, of a topic that was just created, and when a cluster sees its first group. */
const notReadyTypes = [
  "GROUP_LOAD_IN_PROGRESS",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
  "UNKNOWN_TOPIC_OR_PARTITION",
  "LEADER_NOT_AVAILABLE",
  "NOT_LEADER_FOR_PARTITION",
];
const notReady = "kafka_not_ready";
/** How often, and how many milliseconds apart, what is not ready yet is asked again; kafkajs gives up at once in some places. */
const readying = { tries: 30, pauseMs: 200 } as const;

/** Does it again while Kafka says that it is not ready yet, some seconds long. */
export async function whenReady<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let left: number = readying.tries; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (left === 0 || signal?.aborted || !(error instanceof ModisteError && error.reason === notReady)) throw error;
    }
    await delay(readying.pauseMs);
  }
}

function rootOf(error: unknown): KafkaError {
  const { cause } = error as { readonly cause?: unknown };
  return cause instanceof Error && cause !== error ? rootOf(cause) : (error as KafkaError);
}

/** What the brokers refuse for good (rights, names, passwords) is `failed_precondition`; all else may succeed when tried again. */
export function fromKafka(error: unknown, doing: string): ModisteError {
  if (error instanceof ModisteError) return error;
  const root = rootOf(error);
  const refused = (root.name === "KafkaJSProtocolError" && root.retriable === false) || root.name === "KafkaJSSASLAuthenticationError";
  const message = `${doing}: ${root.message}`;
  if (notReadyTypes.includes(root.type ?? "")) return new ModisteError("unavailable", notReady, message, { cause: error });
  return refused
    ? new ModisteError("failed_precondition", "kafka_refused", message, { cause: error })
    : new ModisteError("unavailable", "kafka_unavailable", message, { cause: error });
}

/** Resolves with the work, or after `limitMs` without it; a failure is for the caller's log. */
export function atMost(work: Promise<unknown>, limitMs: number, onFailure: (error: unknown) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs);
    work.catch(onFailure).finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
