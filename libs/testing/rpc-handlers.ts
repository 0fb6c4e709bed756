/** Handlers and assertions that the contract of the seam uses throughout. */

import { expect } from "vitest";
import { ModisteError } from "#libs/core/errors.ts";
import { type Binding, bind, type Implementation } from "#libs/rpc/definition.ts";
import { RankerDefinition } from "#protos/ranker.ts";
import { RecommenderDefinition } from "#protos/recommender.ts";

export type Rank = Implementation<typeof RankerDefinition>["rank"];

export function ranker(rank: Rank): Binding {
  return bind(RankerDefinition, { rank });
}

/** Writes: never called twice. */
export const recorder = bind(RecommenderDefinition, { recordEvents: async () => ({}) } as unknown as Implementation<
  typeof RecommenderDefinition
>);

export const rankPath = "modiste.v1.Ranker/Rank";
export const answerOne: Rank = async () => ({ scores: [1] });
export const throwing =
  (error: unknown): Rank =>
  async () => {
    throw error;
  };

/** The error that a call ends with; fails when it answers. */
export async function failure(call: Promise<unknown>): Promise<ModisteError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ModisteError);
  return error as ModisteError;
}
