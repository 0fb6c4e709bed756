/** The network of Wide & Deep as graphs. Embedding rows and the sums of the wide part come from outside, as one matrix and one column. */

import { createGraph, type Graph, gradients } from "#libs/graph/graph.ts";
import { add, logSumExp, matmul, mul, relu, reshape, scale, softplus, sub, sum } from "#libs/graph/ops.ts";
import { constant, type Dim, input, nameOf, parameter, type Tensor } from "#libs/graph/tensor.ts";

/** Columns of the input that describe the user, and those that describe the item: 1 or 0 each, [inputs]. */
export interface TowerColumns {
  readonly user: Float32Array;
  readonly item: Float32Array;
}

/** Layers of that shape, `members` times side by side. */
export interface DeepShape {
  /** Columns of the deep part's input. */
  readonly inputs: number;
  readonly hidden1: number;
  readonly hidden2: number;
  readonly members: number;
  /** Two towers that meet in a product only, each over its columns; null: one network over all. */
  readonly towers: TowerColumns | null;
}

type Drop = (name: string, tensor: Tensor) => Tensor;

type Layer = (name: string, x: Tensor, from: number, to: number) => Tensor;

const layer: Layer = (name, x, from, to) => matmul(x, parameter(`${name}.weights`, [from, to]), { bias: parameter(`${name}.bias`, [to]) });

/** [rows, 1]: two layers beside a straight path. */
function deepScore(name: string, deep: Tensor, { inputs, hidden1, hidden2 }: DeepShape, drop: Drop): Tensor {
  const first = drop(`${name}.layer1`, relu(layer(`${name}.layer1`, deep, inputs, hidden1)));
  const second = drop(`${name}.layer2`, relu(layer(`${name}.layer2`, first, hidden1, hidden2)));
  return add(layer(`${name}.out`, second, hidden2, 1), matmul(deep, parameter(`${name}.straight.weights`, [inputs, 1])));
}

/** [rows, 1]: the product of two vectors beside what the item has by itself (Yi et al., RecSys 2019, doi 10.1145/3298689.3346996, section 3). */
function towerScore(name: string, deep: Tensor, towers: TowerColumns, { inputs, hidden1, hidden2 }: DeepShape, drop: Drop): Tensor {
  const tower = (own: string, columns: Float32Array): Tensor => {
    const x = mul(deep, constant(columns));
    return layer(`${own}.out`, drop(`${own}.layer1`, relu(layer(`${own}.layer1`, x, inputs, hidden1))), hidden1, hidden2);
  };
  const [user, item] = [tower(`${name}.user`, towers.user), tower(`${name}.item`, towers.item)];
  const product = scale(sum(mul(user, item), [1], { keep: true }), 1 / Math.sqrt(hidden2));
  return add(product, matmul(item, parameter(`${name}.item.own.weights`, [hidden2, 1])));
}

/** Scores [rows] of each member, plus the wide part, which all share. */
function memberScores(shape: DeepShape, rows: Dim, drop: Drop): Tensor[] {
  const { inputs, members, towers } = shape;
  const deep = input("deep", [rows, inputs]);
  const wide = input("wide", [rows]);
  return Array.from({ length: members }, (_, m) => {
    const name = `member${m}`;
    const own = towers ? towerScore(name, deep, towers, shape, drop) : deepScore(name, deep, shape, drop);
    return add(reshape(own, [rows]), wide);
  });
}

const meanOf = (tensors: readonly Tensor[]): Tensor =>
  scale(
    tensors.reduce((total, tensor) => add(total, tensor)),
    1 / tensors.length,
  );

/** Named size "rows". Inputs `deep` [rows, inputs] and `wide` [rows]; output `scores` [rows], the mean over the members. */
export function scoringGraph(shape: DeepShape): Graph {
  return createGraph({ scores: meanOf(memberScores(shape, "rows", (_, tensor) => tensor)) });
}

export interface RankingTraining extends DeepShape {
  readonly lists: number;
  readonly listLength: number;
  readonly loss: "listwise" | "bce";
  readonly dropout: boolean;
}

/**
 * Inputs beside those of scoring: `targets` [lists, list length] (listwise: shares of what was taken, which sum to 1; bce: 1 for taken), `masked` the same
 * (listwise: added to the scores, very negative where a list is shorter; bce: a share of the list, or 0 there), `weights` [lists], one `dropout/...` for each layer.
 * Outputs: `loss` [], and `gradient/x` for deep, wide and each parameter.
 */
export function rankingGraph(shape: RankingTraining): Graph {
  const { lists, listLength, loss: kind, dropout } = shape;
  const rows = lists * listLength;
  const scores = memberScores(
    shape,
    rows,
    dropout ? (name, tensor) => mul(tensor, input(`dropout/${name}`, tensor.shape)) : (_, tensor) => tensor,
  );
  const targets = input("targets", [lists, listLength]);
  const masked = input("masked", [lists, listLength]);
  const lossOf = (member: Tensor): Tensor => {
    const listed = reshape(member, [lists, listLength]);
    return kind === "listwise"
      ? sub(logSumExp(add(listed, masked)), sum(mul(targets, listed), [1]))
      : sum(mul(masked, sub(softplus(listed), mul(targets, listed))), [1]);
  };
  // Each member learns for itself: a loss of their mean would teach them to lean on each other.
  const each = meanOf(scores.map(lossOf));
  const loss = sum(mul(each, input("weights", [lists])));
  const { parameters, inputs } = createGraph({ scores: meanOf(scores) });
  const fed = inputs.filter((tensor) => ["deep", "wide"].includes(nameOf(tensor)));
  const names = [...fed, ...parameters].map(nameOf);
  const derived = gradients(loss, [...fed, ...parameters]);
  return createGraph({ loss, ...Object.fromEntries(names.map((name, i) => [`gradient/${name}`, derived[i]!])) });
}
