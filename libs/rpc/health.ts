/** grpc.health.v1 on both paths. `check` runs through the middleware; `watch` streams and exists over gRPC only. */

import type { Server, ServerWritableStream } from "@grpc/grpc-js";
import { HealthDefinition, HealthState } from "nice-grpc-server-health";
import { ModisteError } from "#libs/core/errors.ts";
import { type Binding, bind } from "./definition.ts";
import { decoder, encoder } from "./grpc-client.ts";

export { HealthDefinition };

/** The name that says that the process lives, ready or not: who starts it anew when this fails does so for a cause. */
export const livenessName = "liveness";

/** What health says of a process. The empty name is the process itself, and says whether it is ready. */
export interface Health {
  /** Starts as not serving. Liveness is told from the first call on. */
  set(serving: boolean): void;
  readonly serving: boolean;
  readonly state: HealthState;
}

const servingStatus = { unknown: 3, healthy: 1, unhealthy: 2 } as const;

/** @param services full names that share the state of the process, such as "modiste.v1.Ranker". */
export function createHealth(services: readonly string[]): Health {
  const state = HealthState();
  const names = ["", ...services];
  const set = (serving: boolean): void => {
    for (const name of names) state.setStatus(serving ? "healthy" : "unhealthy", name);
  };
  set(false);
  state.setStatus("healthy", livenessName);
  return {
    set,
    state,
    get serving() {
      return state.getStatus("") === "healthy";
    },
  };
}

export function healthBinding({ state }: Health): Binding {
  return bind(HealthDefinition, {
    async check({ service }) {
      const status = state.getStatus(service);
      if (status === "unknown")
        throw new ModisteError("not_found", "unknown_service", `no service "${service}" here`, { field: "service" });
      return { status: servingStatus[status] };
    },
  });
}

/** Adds the streaming half, which says every change until the client leaves. */
export function addHealthWatch(server: Server, { state }: Health): void {
  const { requestType, responseType } = HealthDefinition.methods.watch;
  server.addService(
    {
      watch: {
        path: `/${HealthDefinition.fullName}/Watch`,
        requestStream: false,
        responseStream: true,
        requestSerialize: encoder(requestType),
        requestDeserialize: decoder(requestType),
        responseSerialize: encoder(responseType),
        responseDeserialize: decoder(responseType),
      },
    },
    {
      watch(call: ServerWritableStream<{ service: string }, unknown>) {
        const { service } = call.request;
        const tell = (): void => void call.write({ status: servingStatus[state.getStatus(service)] });
        const onChange = (event: { service: string }): void => void (event.service === service && tell());
        state.on("change", onChange);
        call.once("cancelled", () => {
          state.off("change", onChange);
          call.end();
        });
        tell();
      },
    },
  );
}
