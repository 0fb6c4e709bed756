/** The network of Wide & Deep as graphs. Embedding rows and the sums of the wide part come from outside, as one matrix and one column. */

import { createGraph, type Graph, gradients } from "#libs/graph/graph.ts";
import { add, logSumExp, matmul, mul, relu, reshape, softplus, sub, sum } from "#libs/graph/ops.ts";
import { type Dim, input, nameOf, parameter, type Tensor } from "#libs/graph/tensor.ts";

export interface DeepShape {
  /** Columns of the deep part's input. */
  readonly inputs: number;
  readonly hidden1: number;
  readonly hidden2: number;
}

type Drop = (name: string, tensor: Tensor) => Tensor;

/** Scores [rows]: two layers beside a straight path, plus the wide part. */
function scoresOf({ inputs, hidden1, hidden2 }: DeepShape, rows: Dim, drop: Drop): Tensor {
  const deep = input("deep", [rows, inputs]);
  const layer = (name: string, x: Tensor, from: number, to: number): Tensor =>
    matmul(x, parameter(`${name}.weights`, [from, to]), { bias: parameter(`${name}.bias`, [to]) });
  const first = drop("layer1", relu(layer("layer1", deep, inputs, hidden1)));
  const second = drop("layer2", relu(layer("layer2", first, hidden1, hidden2)));
  const straight = matmul(deep, parameter("straight.weights", [inputs, 1]));
  return add(reshape(add(layer("out", second, hidden2, 1), straight), [rows]), input("wide", [rows]));
}

/** Named size "rows". Inputs `deep` [rows, inputs] and `wide` [rows]; output `scores` [rows]. */
export function scoringGraph(shape: DeepShape): Graph {
  return createGraph({ scores: scoresOf(shape, "rows", (_, tensor) => tensor) });
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
  const scores = scoresOf(
    shape,
    rows,
    dropout ? (name, tensor) => mul(tensor, input(`dropout/${name}`, tensor.shape)) : (_, tensor) => tensor,
  );
  const listed = reshape(scores, [lists, listLength]);
  const targets = input("targets", [lists, listLength]);
  const masked = input("masked", [lists, listLength]);
  const each =
    kind === "listwise"
      ? sub(logSumExp(add(listed, masked)), sum(mul(targets, listed), [1]))
      : sum(mul(masked, sub(softplus(listed), mul(targets, listed))), [1]);
  const loss = sum(mul(each, input("weights", [lists])));
  const { parameters, inputs } = createGraph({ scores });
  const fed = inputs.filter((tensor) => ["deep", "wide"].includes(nameOf(tensor)));
  const names = [...fed, ...parameters].map(nameOf);
  const derived = gradients(loss, [...fed, ...parameters]);
  return createGraph({ loss, ...Object.fromEntries(names.map((name, i) => [`gradient/${name}`, derived[i]!])) });
}
