/**
 * The transformer of SASRec (Kang and McAuley, ICDM 2018, doi 10.1109/ICDM.2018.00035), with the normalisation before each part of a block
 * ("pre-norm": Xiong et al., ICML 2020), as graphs. Embedding rows come from outside: the graphs know no table but the one of the loss.
 */

import { createGraph, type Graph, gradients } from "#libs/graph/graph.ts";
import {
  add,
  layerNorm,
  matmul,
  mean,
  mul,
  productLogSumExp,
  relu,
  reshape,
  scale,
  softmax,
  softplus,
  sub,
  sum,
  transpose,
} from "#libs/graph/ops.ts";
import { type Dim, input, nameOf, parameter, type Tensor } from "#libs/graph/tensor.ts";

export interface NetworkShape {
  readonly dimensions: number;
  readonly blocks: number;
  readonly heads: number;
  readonly feedForward: number;
}

/** Multiplies a tensor by a mask of dropout, or leaves it as it is. */
type Drop = (name: string, tensor: Tensor) => Tensor;

const keepAll: Drop = (_, tensor) => tensor;
const dropByInput: Drop = (name, tensor) => mul(tensor, input(`dropout/${name}`, tensor.shape));

function norm(name: string, x: Tensor, d: number): Tensor {
  return layerNorm(x, parameter(`${name}.gain`, [d]), parameter(`${name}.bias`, [d]));
}

function linear(name: string, x: Tensor, from: number, to: number): Tensor {
  return matmul(x, parameter(`${name}.weights`, [from, to]), { bias: parameter(`${name}.bias`, [to]) });
}

interface Sizes extends NetworkShape {
  readonly batch: Dim;
  readonly length: Dim;
}

/** x [batch length, d] -> the same; `mask` [batch, length, length] is added to the attention's logits. */
function attention(name: string, x: Tensor, mask: Tensor, sizes: Sizes, drop: Drop): Tensor {
  const { batch, length, dimensions: d, heads } = sizes;
  const width = d / heads;
  const projected = (part: string): Tensor => {
    const flat = linear(`${name}.${part}`, x, d, d);
    return heads === 1 ? reshape(flat, [batch, length, d]) : transpose(reshape(flat, [batch, length, heads, width]), [0, 2, 1, 3]);
  };
  const logits = matmul(projected("query"), projected("key"), { transposeB: true, alpha: 1 / Math.sqrt(width) });
  const masked = add(logits, heads === 1 ? mask : reshape(mask, [batch, 1, length, length]));
  const mixed = matmul(drop(`${name}.attention`, softmax(masked)), projected("value"));
  const joined = reshape(heads === 1 ? mixed : transpose(mixed, [0, 2, 1, 3]), flatShape(sizes));
  return linear(`${name}.output`, joined, d, d);
}

function flatShape({ batch, length, dimensions }: Sizes): Dim[] {
  return [typeof batch === "number" && typeof length === "number" ? batch * length : `${batch}*${length}`, dimensions];
}

/** States [batch length, d] of `rows` [batch length, d]: the state at a position knows the positions that the mask lets it see. */
function encode(rows: Tensor, mask: Tensor, sizes: Sizes, drop: Drop): Tensor {
  const { dimensions: d, blocks, feedForward } = sizes;
  // As Vaswani et al. (section 3.4) and SASRec have it: rows are small, since they score as well, and would drown in what the blocks add.
  // On ML-1M after two epochs NDCG@10 of the held-out items was .099 with it, .059 without it and with smaller matrices (docs/models.md).
  let x = drop("embedding", scale(rows, Math.sqrt(d)));
  for (let block = 0; block < blocks; block++) {
    const name = `block${block}`;
    x = add(x, drop(`${name}.mixed`, attention(name, norm(`${name}.norm1`, x, d), mask, sizes, drop)));
    const inner = drop(`${name}.inner`, relu(linear(`${name}.feed1`, norm(`${name}.norm2`, x, d), d, feedForward)));
    x = add(x, drop(`${name}.fed`, linear(`${name}.feed2`, inner, feedForward, d)));
  }
  return norm("norm", x, d);
}

/** Named sizes "batch" and "length". Inputs `rows` [batch*length, d], `mask` [batch, length, length]; output `states` [batch*length, d]. */
export function encoderGraph(shape: NetworkShape): Graph {
  const sizes: Sizes = { ...shape, batch: "batch", length: "length" };
  const rows = input("rows", flatShape(sizes));
  return createGraph({ states: encode(rows, input("mask", ["batch", "length", "length"]), sizes, keepAll) });
}

export interface TrainingShape extends NetworkShape {
  readonly batch: number;
  readonly length: number;
  /** Rows of the loss's table: all items, or the drawn negatives. */
  readonly tableRows: number;
  /** `full`: softmax over the table. `sampled`: the target against the table, whose rows are draws with `bias` on their logits. */
  readonly loss: "full" | "sampled";
  /** Share of the target that goes to all items alike (Szegedy et al., CVPR 2016, section 7); with the full softmax only. */
  readonly labelSmoothing: number;
  readonly dropout: boolean;
}

/**
 * Inputs: `rows` and `targets` [batch length, d], `mask` [batch, length, length], `weights` [batch length] (of a position in the loss; 0: none),
 * `table` [table rows, d], `bias` [table rows] when sampled, and one `dropout/...` for each place of dropout (0 or 1 / (1 - p)).
 * Outputs: `loss` [], and `gradient/x` for rows, targets, table and each parameter.
 */
export function trainingGraph(shape: TrainingShape): Graph {
  const { batch, length, dimensions: d, tableRows, labelSmoothing } = shape;
  const rows = input("rows", [batch * length, d]);
  const targets = input("targets", [batch * length, d]);
  const table = input("table", [tableRows, d]);
  const states = encode(rows, input("mask", [batch, length, length]), shape, shape.dropout ? dropByInput : keepAll);
  const positive = sum(mul(states, targets), [1]);
  const each = shape.loss === "full" ? fullLoss(states, positive, table, labelSmoothing) : sampledLoss(states, positive, table, tableRows);
  const loss = sum(mul(each, input("weights", [batch * length])));
  const parameters = createGraph({ states }).parameters;
  const derived = gradients(loss, [rows, targets, table, ...parameters]);
  const names = ["rows", "targets", "table", ...parameters.map(nameOf)];
  return createGraph({ loss, ...Object.fromEntries(names.map((name, i) => [`gradient/${name}`, derived[i]!])) });
}

/** Cross-entropy with the softmax over the table, [positions]. */
function fullLoss(states: Tensor, positive: Tensor, table: Tensor, smoothing: number): Tensor {
  const all = productLogSumExp(states, table);
  if (smoothing === 0) return sub(all, positive);
  const average = sum(mul(states, mean(table, [0])), [1]);
  return sub(all, add(scale(positive, 1 - smoothing), scale(average, smoothing)));
}

/** The same with drawn negatives: -ln(e^p / (e^p + sum of e^(n + bias))) = softplus(ln of that sum - p), [positions]. */
function sampledLoss(states: Tensor, positive: Tensor, table: Tensor, drawn: number): Tensor {
  return softplus(sub(productLogSumExp(states, table, input("bias", [drawn])), positive));
}
