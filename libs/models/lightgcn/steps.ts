/** The losses of LightGCN: each adds its gradient by the propagated vectors Z to `trainer.gradient` and answers the summed loss. */

import type { Random } from "#libs/core/random.ts";
import { sampleEdges, sampleTriples } from "#libs/models/lightgcn/sampler.ts";
import { setEdges, type Trainer } from "#libs/models/lightgcn/trainer.ts";
import type { Pace } from "#libs/sparse/pace.ts";
import type { SoftmaxBlocks } from "#libs/sparse/softmax-block.ts";
import type { Block } from "#libs/sparse/wasm.ts";

export interface LossStep {
  /** Draws a batch; before the propagation, from which its pairs may be left out. */
  draw(random: Random): void;
  /** Adds the gradient of the batch's mean loss by z. */
  take(z: Block<Float32Array>, pace: Pace): Promise<number>;
  /** Adds the weight decay of the batch's embeddings to `back`. */
  decay(back: Block<Float32Array>): void;
}

export function createLoss(trainer: Trainer): LossStep {
  return trainer.settings.loss === "bpr" ? createBpr(trainer) : createSoftmax(trainer);
}

/** Bayesian personalised ranking (Rendle et al., UAI 2009) of triples; the score is the product of means over layers. */
function createBpr(trainer: Trainer): LossStep {
  const { arena, batch, graph, kernels, settings, gradient, embeddings } = trainer;
  const d = settings.dimensions;
  const triples = arena.int32(3 * batch);
  const columns = [0, 1, 2].map((part) => triples.at + part * batch * 4);
  const scale = 1 / (settings.layers + 1) ** 2;
  const slice = 16_384;
  return {
    draw: (random) => {
      const [users, positives, negatives] = [0, 1, 2].map((part) => triples.values.subarray(part * batch, (part + 1) * batch));
      sampleTriples(graph, random, users!, positives!, negatives!, batch);
    },
    take: async (z, pace) => {
      let loss = 0;
      for (let from = 0; from < batch; from += slice) {
        const to = Math.min(batch, from + slice);
        loss += kernels.bpr(columns[0]!, columns[1]!, columns[2]!, from, to, z.at, gradient.at, d, scale, 1 / batch);
        if (pace.due()) await pace.turn();
      }
      return loss;
    },
    decay: (back) => kernels.addRows(triples.at, 3 * batch, embeddings.at, back.at, d, settings.l2 / batch),
  };
}

/** Pairs that share one draw of negatives: each group has its own, so that a large batch does not lean on a few items. */
const pairsPerGroup = 2048;
/** Pairs a task takes: their logits of 256 negatives (256 KiB) stay in the second cache. */
const pairsPerTask = 256;

/**
 * Sampled softmax (Wu et al., "On the Effectiveness of Sampled Softmax Loss for Item Recommendation", TOIS 2024, doi 10.1145/3637061): a user's
 * item against negatives that its group shares, by cosine over a temperature (as SGL and SimpleX score) or by inner product. Pairs are edges
 * drawn evenly. Tasks leave their part in memory and one thread adds the parts in order: the result does not depend on the threads.
 */
function createSoftmax(trainer: Trainer): LossStep {
  const { arena, batch, graph, kernels, settings, gradient, embeddings, pool } = trainer;
  const d = settings.dimensions;
  const count = Math.ceil(settings.negatives / 8) * 8;
  const groups = Math.ceil(batch / pairsPerGroup);
  const tasks = Math.ceil(batch / pairsPerTask);
  const nodes = arena.int32(2 * batch);
  const drawn = new Int32Array(batch);
  const [users, positives] = [nodes.values.subarray(0, batch), nodes.values.subarray(batch)];
  const negatives = arena.int32(groups * count);
  const unit = settings.similarity === "cosine" ? 1 : 0;
  const matrix = (rows: number) => arena.float32(rows * d).at;
  const blocks: SoftmaxBlocks = {
    users: nodes.at,
    positives: nodes.at + batch * 4,
    negatives: negatives.at,
    x: matrix(batch),
    y: matrix(batch),
    xLengths: arena.float32(batch).at,
    yLengths: arena.float32(batch).at,
    gradX: matrix(batch),
    gradY: matrix(batch),
    negative: matrix(groups * count),
    negativeLengths: arena.float32(groups * count).at,
    negativeRows: matrix(groups * count),
    negativeColumns: matrix(groups * count),
    negativeSums: matrix(tasks * count),
    logits: arena.float32(tasks * pairsPerTask * count).at,
    scratch: arena.float32(tasks * pairsPerTask * (d + 1)).at,
    batch,
    count,
    unit,
    pairsPerTask,
    pairsPerGroup,
    inverse: (unit === 1 ? 1 : 1 / (settings.layers + 1) ** 2) / settings.temperature,
  };
  return {
    draw: (random) => {
      if (settings.ownPairs === "left out") setEdges(trainer, drawn, 1);
      sampleEdges(graph, random, drawn, users, positives);
      if (settings.ownPairs === "left out") setEdges(trainer, drawn, 0);
      const negative = (): number =>
        settings.negativesBy === "items" ? random.below(graph.items.length) : graph.edges[random.below(graph.edges.length)]!;
      for (let n = 0; n < groups * count; n++) negatives.values[n] = graph.userCount + negative();
    },
    take: async (z) => {
      const each = <Kind extends "softmax-negatives" | "softmax">(kind: Kind, many: number) =>
        Promise.all(Array.from({ length: many }, (_, index) => pool.run({ kind, blocks, z: z.at, index })));
      await each("softmax-negatives", groups);
      const losses = await each("softmax", tasks);
      kernels.scatterRows(nodes.at, batch, blocks.gradX, gradient.at, d);
      kernels.scatterRows(blocks.positives, batch, blocks.gradY, gradient.at, d);
      for (let task = 0; task < tasks; task++) {
        const group = Math.floor((task * pairsPerTask) / pairsPerGroup);
        kernels.scatterRows(negatives.at + group * count * 4, count, blocks.negativeSums + task * count * d * 4, gradient.at, d);
      }
      return losses.reduce((sum, loss) => sum + loss, 0);
    },
    decay: (back) => kernels.addRows(nodes.at, 2 * batch, embeddings.at, back.at, d, settings.l2 / batch),
  };
}
