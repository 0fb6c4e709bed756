/** The local path: services of one process by name, called directly behind the same middleware. */

import { ModisteError } from "#libs/core/errors.ts";
import type { Transport } from "./client-call.ts";
import { type Binding, methodPath } from "./definition.ts";
import { type ServedMethod, type ServerOptions, serveBindings } from "./serve-call.ts";

export interface LocalRouter {
  /** Serves the bindings under a name until the returned function is called. @throws already_exists when the name is taken. */
  add(name: string, bindings: readonly Binding[], options: ServerOptions): () => void;
  /** Full names of the services under a name, as reflection lists them. */
  services(name: string): readonly string[];
  /** The way to `name`, which may be added later; until then calls are `unavailable`. */
  transport(name: string): Transport;
}

export function createLocalRouter(): LocalRouter {
  const served = new Map<string, ReadonlyMap<string, ReadonlyMap<string, ServedMethod>>>();
  return {
    add(name, bindings, options) {
      if (served.has(name)) throw new ModisteError("already_exists", "name_taken", `two services are called "${name}"`);
      served.set(name, serveBindings(bindings, options));
      return () => served.delete(name);
    },
    services: (name) => [...(served.get(name)?.keys() ?? [])],
    transport: (name) => (definition, key, request, outgoing) => {
      const service = served.get(name);
      if (service === undefined) return refuse("unavailable", "peer_unavailable", `"${name}" does not run in this process`);
      const method = service.get(definition.fullName)?.get(key);
      if (method === undefined) return refuse("unimplemented", "unknown_method", `"${name}" has no ${methodPath(definition, key)}`);
      const metadata = new Map(Object.entries(outgoing.metadata));
      return method.call(request, { metadata, deadline: outgoing.deadline, signal: outgoing.signal });
    },
  };
}

async function refuse(code: "unavailable" | "unimplemented", reason: string, message: string): Promise<never> {
  throw new ModisteError(code, reason, message);
}
