/** Events as a stream of batches: what the batches come to together. */

import { eventBatchMax } from "#libs/events/limits.ts";
import type { ClientStreams } from "#libs/rpc/definition.ts";
import type { RecommenderDefinition } from "#protos/recommender.ts";

export const eventStreams: ClientStreams<typeof RecommenderDefinition> = {
  streamEvents: {
    over: "recordEvents",
    empty: { received: 0, accepted: 0, refused: [] },
    add: ({ received, accepted, refused }, request, answer) => ({
      received: received + request.events.length,
      accepted: accepted + answer.accepted,
      refused: [...refused, ...answer.results.filter((result) => !result.accepted)].slice(0, eventBatchMax),
    }),
  },
};
