/** The network of Wide & Deep as graphs. Embedding rows and the sums of the wide part come from outside, as one matrix and one column. */

import { createGraph, type Graph, gradients } from "#libs/graph/graph.ts";
import { add, logSumExp, matmul, mul, relu, reshape, scale, softplus, sub, sum } from "#libs/graph/ops.ts";
import { type Dim, input, nameOf, parameter, type Tensor } from "#libs/graph/tensor.ts";

/** Layers of that shape, `members` times side by side. */
export interface DeepShape {
  /** Columns of the deep part's input. */
  readonly inputs: number;
  readonly hidden1: number;
  readonly hidden2: number;
  readonly members: number;
}

type Drop = (name: string, tensor: Tensor) => Tensor;

/** Scores [rows] of each member: two layers beside a straight path, plus the wide part, which all share. */
function memberScores({ inputs, hidden1, hidden2, members }: DeepShape, rows: Dim, drop: Drop): Tensor[] {
  const deep = input("deep", [rows, inputs]);
  const wide = input("wide", [rows]);
  const layer = (name: string, x: Tensor, from: number, to: number): Tensor =>
    matmul(x, parameter(`${name}.weights`, [from, to]), { bias: parameter(`${name}.bias`, [to]) });
  return Array.from({ length: members }, (_, m) => {
    const first = drop(`member${m}.layer1`, relu(layer(`member${m}.layer1`, deep, inputs, hidden1)));
    const second = drop(`member${m}.layer2`, relu(layer(`member${m}.layer2`, first, hidden1, hidden2)));
    const straight = matmul(deep, parameter(`member${m}.straight.weights`, [inputs, 1]));
    return add(reshape(add(layer(`member${m}.out`, second, hidden2, 1), straight), [rows]), wide);
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
