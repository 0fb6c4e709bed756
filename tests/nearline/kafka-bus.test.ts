/** The contract of the event bus over real Kafka: the newest that can be had and the oldest that is claimed. */

import { describe } from "vitest";
import { eventBusContract } from "#libs/testing/event-bus-contract.ts";
import { kafkaServer, openOn } from "./kafka-server.ts";

for (const variable of ["MODISTE_TEST_KAFKA", "MODISTE_TEST_KAFKA_OLD"] as const) {
  const server = kafkaServer(variable);
  if (server) eventBusContract(server.name, openOn(server), "many");
  else describe.skip(`event bus over Kafka: ${variable} is not set`);
}
