import { describe, expect, it } from "vitest";
import type { Cases } from "#libs/data/cases.ts";
import type { Interactions } from "#libs/data/interactions.ts";
import { packedLists } from "#libs/evaluation/lists.ts";
import type { TrainingData } from "../training/train-release.ts";
import { compareOnHoldout } from "./holdout.ts";

const users = 400;
const items = 100;

/** User u took item u % 100 in the week; every fourth user has no history, the others one event. */
const history: Interactions = (() => {
  const offsets = new Int32Array(users + 1);
  for (let user = 0; user < users; user++) offsets[user + 1] = offsets[user]! + (user % 4 === 0 ? 0 : 1);
  const count = offsets[users]!;
  return {
    userCount: users,
    itemCount: items,
    offsets,
    items: new Int32Array(count),
    times: new Uint32Array(count).fill(10),
    types: new Uint8Array(count).fill(3),
    values: new Float32Array(count),
  };
})();

const cases: Cases = {
  name: "week",
  train: history,
  endSeconds: 1000,
  histories: history,
  users: Int32Array.from({ length: users }, (_, user) => user),
  nowSeconds: new Float64Array(users).fill(1000),
  offsets: Int32Array.from({ length: users + 1 }, (_, at) => at),
  items: Int32Array.from({ length: users }, (_, user) => user % items),
};

const data = { catalog: { itemCount: items }, users: { attributes: [] } } as unknown as TrainingData;
const week = { cases, past: data };
const right = (user: number): number[] => [user % items];
const wrong = (user: number): number[] => [(user + 1) % items];
const lists = (list: (user: number) => number[]) =>
  packedLists(
    Array.from({ length: users }, (_, user) => list(user)),
    users,
    12,
  );
const compare = (candidate: (user: number) => number[], current: (user: number) => number[]) =>
  compareOnHoldout({ candidate: lists(candidate), current: lists(current) }, week, data, 1);

describe("compareOnHoldout", () => {
  it("finds no loss between equals, whatever luck is", () => {
    const half = (user: number): number[] => (user % 2 === 0 ? right(user) : wrong(user));
    const other = (user: number): number[] => (user % 2 === 1 ? right(user) : wrong(user));
    expect(compare(half, half).losses).toEqual([]);
    expect(compare(half, other).losses.filter((loss) => loss.startsWith("loss of map@12"))).toEqual([]);
  });
  it("names a loss over all", () => {
    const { losses, watched } = compare((user) => (user % 3 === 0 ? wrong(user) : right(user)), right);
    expect(losses[0]).toMatch(/^loss of map@12: -0\.33/);
    expect(watched["map@12"]).toMatchObject({ candidate: { value: expect.closeTo(266 / 400, 6) }, current: { value: 1 } });
  });
  it("names the segment where a gain elsewhere hides the loss", () => {
    // Users without history lose everything; the others gain a little more in all.
    const before = (user: number): number[] => (user % 4 === 0 || user % 4 === 1 ? right(user) : wrong(user));
    const now = (user: number): number[] => (user % 4 === 0 ? wrong(user) : right(user));
    const { losses } = compare(now, before);
    expect(losses).toEqual([expect.stringMatching(/^loss of segment map@12, history 0: -1\.0000/)]);
  });
  it("sees lists that shrink to a few items, hits or not", () => {
    const { losses } = compare(() => [0], wrong);
    expect(losses).toContainEqual(expect.stringMatching(/^popularity_collapse: lists hold 1\.00 % of the catalogue/));
  });
});
