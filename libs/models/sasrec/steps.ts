/** One training step of SASRec: rows gathered, the graph run, gradients handed back to the tables, Adam. */

import { createRandom } from "#libs/core/random.ts";
import type { Session } from "#libs/graph/executors/executor.ts";
import type { DropoutPool } from "#libs/models/neural/dropout.ts";
import { correctedRate, type DenseWeights, stepRows, stepTable } from "#libs/models/neural/weights.ts";
import type { Batch } from "#libs/models/sasrec/batches.ts";
import { addContext, type ContextTables, contextTables, spreadContext } from "#libs/models/sasrec/inputs.ts";
import { type ComposedRows, compose, type ItemVectors, spreadGradient } from "#libs/models/sasrec/item-vectors.ts";
import { fillMask, type PackedRows } from "#libs/models/sasrec/packing.ts";
import type { SasrecSettings } from "#libs/models/sasrec/settings.ts";
import type { Block, SparseKernels } from "#libs/sparse/wasm.ts";

/** Everything that lives through a training. */
export interface StepState {
  readonly settings: SasrecSettings;
  readonly seed: number;
  readonly kernels: SparseKernels;
  readonly session: Session;
  readonly dense: DenseWeights;
  readonly items: ItemVectors;
  readonly context: ContextTables;
  readonly composed: ComposedRows;
  readonly batch: Batch;
  readonly dropout: DropoutPool | null;
  /** Distinct rows of `items.own` that a step touches. */
  readonly touched: Block<Int32Array>;
}

type Outputs = Readonly<Record<string, Float32Array>>;

/** Runs the step on rows [from, from + batch rows) of an epoch; answers the mean loss of its targets. */
export async function runStep(state: StepState, epoch: PackedRows, from: number, step: number, rate: number): Promise<number> {
  const { settings, kernels, items, composed, batch, context, dropout } = state;
  const random = createRandom(state.seed, `sasrec step ${step}`);
  const count = batch.choose(epoch, from, composed, random);
  const unknown = settings.unknownShare;
  compose(kernels, items, composed, count, unknown === 0 ? () => false : () => random.next() < unknown);
  const { d } = items;
  const positions = batch.inputs.values.length;
  kernels.gatherSum(composed.vectors.at, batch.inputs.at, positions, d, batch.rows.at, 0);
  addContext(kernels, context, batch.context, positions, batch.rows);
  kernels.gatherSum(composed.vectors.at, batch.targets.at, positions, d, batch.targetRows.at, 0);
  if (settings.loss === "sampled") kernels.gatherSum(composed.vectors.at, batch.negatives.at, settings.negatives, d, batch.table.at, 0);
  fillMask(epoch, from, batch.mask);
  const table = settings.loss === "sampled" ? batch.table.values : composed.vectors.values;
  const outputs = await state.session.run({
    ...state.dense.weights,
    rows: batch.rows.values,
    targets: batch.targetRows.values,
    mask: batch.mask,
    weights: batch.weights,
    table,
    bias: batch.bias,
    ...dropout?.draw(random),
  });
  spread(state, outputs, count);
  update(state, count, correctedRate(rate, step));
  return outputs.loss![0]!;
}

/** Gradients from the graph's outputs to the tables. */
function spread({ settings, kernels, items, composed, batch, context, dense }: StepState, outputs: Outputs, count: number): void {
  const { d } = items;
  const positions = batch.inputs.values.length;
  // Through shared memory, where the kernels can reach them: the buffers of rows and targets are free again.
  batch.rows.values.set(outputs["gradient/rows"]!);
  batch.targetRows.values.set(outputs["gradient/targets"]!);
  if (settings.loss === "full") composed.gradient.values.set(outputs["gradient/table"]!);
  else {
    composed.gradient.values.fill(0, 0, count * d);
    batch.table.values.set(outputs["gradient/table"]!);
    kernels.scatterSum(batch.table.at, batch.negatives.at, settings.negatives, d, composed.gradient.at);
  }
  kernels.scatterSum(batch.rows.at, batch.inputs.at, positions, d, composed.gradient.at);
  kernels.scatterSum(batch.targetRows.at, batch.targets.at, positions, d, composed.gradient.at);
  spreadContext(kernels, context, batch.context, positions, batch.rows);
  spreadGradient(kernels, items, composed, count);
  for (const [name, values] of Object.entries(dense.gradients)) values.set(outputs[`gradient/${name}`]!);
}

function update({ kernels, items, composed, context, dense, touched }: StepState, count: number, rate: number): void {
  // Hidden items share the row of unknown ones, which is stepped once.
  let distinct = 0;
  for (let i = 0; i < count; i++)
    if (composed.ownRows.values[i] !== items.itemCount) touched.values[distinct++] = composed.ownRows.values[i]!;
  if (distinct < count) touched.values[distinct++] = items.itemCount;
  stepRows(kernels, items.own, touched, distinct, rate);
  if (items.values) stepTable(kernels, items.values, rate);
  for (const [, table] of contextTables(context)) stepTable(kernels, table, rate);
  stepTable(kernels, dense.table, rate);
}
