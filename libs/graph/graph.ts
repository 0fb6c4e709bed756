/** A graph: named outputs, and the nodes that they need, each once and in an order in which they can be computed. */

import { ModisteError } from "#libs/core/errors.ts";
import * as ops from "./ops.ts";
import { primitiveOf } from "./primitives/table.ts";
import { createNode, describeTensor, nameOf, type Tensor } from "./tensor.ts";

export interface Graph {
  /** Fed at every run, by name, in the order of first use. */
  readonly inputs: readonly Tensor[];
  readonly parameters: readonly Tensor[];
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Everything that the outputs need, inputs of a node before it. Equal nodes are one. */
  readonly nodes: readonly Tensor[];
}

/** Nodes that `roots` need, each after its inputs. No recursion: a training graph is deeper than it is wise to nest calls. */
function inOrder(roots: readonly Tensor[]): Tensor[] {
  const done = new Set<Tensor>();
  const stack = roots.toReversed();
  while (stack.length > 0) {
    const node = stack.at(-1)!;
    const waiting = done.has(node) ? [] : node.inputs.filter((tensor) => !done.has(tensor));
    if (waiting.length > 0) {
      stack.push(...waiting.reverse());
    } else {
      done.add(node);
      stack.pop();
    }
  }
  return [...done];
}

/** Constants up to this many values are compared by value, longer ones by the identity of their array. */
const comparedCount = 64;

/** Equal keys: equal nodes, given that the inputs are already one of each. */
function keyOf(node: Tensor, numberOf: (thing: object) => number): string {
  const attributes = Object.entries(node.attributes).map(([name, value]) => {
    if (!ArrayBuffer.isView(value)) return [name, value];
    return [name, value.length <= comparedCount ? [...value].map(spell) : numberOf(value)];
  });
  return JSON.stringify([
    node.op,
    node.kind,
    node.shape,
    node.inputs.map(numberOf),
    attributes.map(([name, value]) => [name, spell(value)]),
  ]);
}

/** JSON has no infinities, NaN or -0. */
const spell = (value: unknown): unknown =>
  typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)) ? `number ${Object.is(value, -0) ? "-0" : value}` : value;

/** The same nodes with equal ones made one; maps old to new. */
function deduplicate(nodes: readonly Tensor[]): Map<Tensor, Tensor> {
  const numbers = new Map<object, number>();
  const numberOf = (thing: object): number => {
    const known = numbers.get(thing) ?? numbers.size;
    numbers.set(thing, known);
    return known;
  };
  const byKey = new Map<string, Tensor>();
  const result = new Map<Tensor, Tensor>();
  for (const node of nodes) {
    const inputs = node.inputs.map((tensor) => result.get(tensor)!);
    const moved = inputs.every((tensor, i) => tensor === node.inputs[i]);
    const renewed = moved ? node : createNode(node.op, inputs, node.attributes, node.shape, node.kind);
    const key = keyOf(renewed, numberOf);
    const first = byKey.get(key) ?? renewed;
    byKey.set(key, first);
    result.set(node, first);
  }
  return result;
}

function refuseDoubles(nodes: readonly Tensor[], outputNames: readonly string[]): void {
  const seen = new Set(outputNames);
  for (const node of nodes) {
    if (node.op !== "input" && node.op !== "parameter") continue;
    if (seen.has(nameOf(node))) {
      throw new ModisteError("invalid_argument", "graph_name", `the name "${nameOf(node)}" belongs to two inputs, parameters or outputs`);
    }
    seen.add(nameOf(node));
  }
}

/**
 * The graph of some outputs, by name, which must be floats. Throws `invalid_argument` when there is none, or when a name belongs to two
 * different inputs, parameters or outputs.
 */
export function createGraph(outputs: Readonly<Record<string, Tensor>>): Graph {
  const named = Object.entries(outputs);
  if (named.length === 0) throw new ModisteError("invalid_argument", "graph_empty", "a graph needs at least one output");
  for (const [name, tensor] of named) {
    if (tensor.kind === "float") continue;
    throw new ModisteError("invalid_argument", "graph_output", `the output "${name}" is ${describeTensor(tensor)}; outputs are floats`);
  }
  const all = inOrder(named.map(([, tensor]) => tensor));
  refuseDoubles(all, Object.keys(outputs));
  const renewed = deduplicate(all);
  const nodes = [...new Set(renewed.values())];
  return Object.freeze({
    inputs: nodes.filter(({ op }) => op === "input"),
    parameters: nodes.filter(({ op }) => op === "parameter"),
    outputs: Object.fromEntries(named.map(([name, tensor]) => [name, renewed.get(tensor)!])),
    nodes,
  });
}

/** Nodes, in order, through which `of` can change the loss. Where nothing flows back ("none") is not one. */
function changing(nodes: readonly Tensor[], of: readonly Tensor[]): Set<Tensor> {
  const result = new Set<Tensor>(of);
  for (const node of nodes) {
    if (node.inputs.some((tensor) => result.has(tensor)) && primitiveOf(node.op).gradient !== "none") result.add(node);
  }
  return result;
}

/**
 * Gradients of a loss of shape [] with regard to tensors that it was made from (parameters, inputs or any others), as nodes, by reverse
 * accumulation. Throws `invalid_argument` when the loss is not a float of shape [] or does not depend on one of them, `unimplemented` for a
 * second derivative of what has only one.
 */
export function gradients(loss: Tensor, of: readonly Tensor[]): Tensor[] {
  if (loss.shape.length > 0 || loss.kind !== "float") {
    throw new ModisteError("invalid_argument", "graph_shape", `gradients of ${describeTensor(loss)}: expected a float of shape []`);
  }
  const nodes = inOrder([loss]);
  const active = changing(nodes, of);
  const flows = new Map<Tensor, Tensor>([[loss, ops.scalar(1)]]);
  for (const node of nodes.toReversed()) {
    const upstream = flows.get(node);
    if (!upstream || !active.has(node) || node.inputs.length === 0) continue;
    const rule = primitiveOf(node.op).gradient;
    if (rule === "none") continue;
    if (rule === "once")
      throw new ModisteError("unimplemented", "second_derivative", `${node.op} is part of a gradient and has none itself`);
    rule(node, upstream, ops).forEach((part, i) => {
      const target = node.inputs[i]!;
      if (!part || !active.has(target)) return;
      const before = flows.get(target);
      flows.set(target, before ? ops.add(before, part) : part);
    });
  }
  return of.map((tensor, i) => {
    const flow = flows.get(tensor);
    if (flow) return flow;
    const name = tensor.inputs.length === 0 && tensor.op !== "constant" ? nameOf(tensor) : tensor.op;
    throw new ModisteError("invalid_argument", "no_gradient", `the loss does not depend on ${name} (number ${i} of the tensors asked for)`);
  });
}
