/** Lets go of callers who keep their connections open, before the server that they are connected to closes. */

import type { FastifyInstance } from "fastify";

export interface Connections {
  /** From now on every answer ends its connection. Resolves when none is left, or after `limitMs`. */
  linger(limitMs: number): Promise<void>;
}

/** To be called before routes are added. */
export function trackConnections(app: FastifyInstance): Connections {
  let open = 0;
  let isLeaving = false;
  let onLastClosed: () => void = () => undefined;
  app.server.on("connection", (socket) => {
    open++;
    socket.once("close", () => {
      if (--open === 0) onLastClosed();
    });
  });
  app.addHook("onSend", async (_request, reply) => {
    if (isLeaving) reply.header("connection", "close");
  });
  return {
    linger: async (limitMs) => {
      isLeaving = true;
      if (open === 0 || limitMs === 0) return;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        onLastClosed = resolve;
        timer = setTimeout(resolve, limitMs);
      });
      clearTimeout(timer);
    },
  };
}
