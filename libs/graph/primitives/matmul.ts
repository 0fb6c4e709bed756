/** Matrix products: of two matrices, plus a bias where there is one, or of two stacks of matrices with equal leading axes. */

import { formatShape, refuse, sameShape } from "../dims.ts";
import { type Attributes, describeTensor, type Tensor } from "../tensor.ts";
import { definePrimitive, type Emitter, elementCount, emitted, type Ops, type Primitive, requireFloats } from "./primitive.ts";

/** Exactly these, always all of them. */
export interface MatmulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Factor of the product, not of the bias; free of cost in Gemm. */
  readonly alpha: number;
}

const attributesOf = ({ transposeA, transposeB, alpha }: Attributes): MatmulAttributes => ({
  transposeA: transposeA as boolean,
  transposeB: transposeB as boolean,
  alpha: alpha as number,
});

/** Last two sizes after the transposition that is asked for. */
function matrixOf<Size>(shape: readonly Size[], transposed: boolean): readonly [Size, Size] {
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  return transposed ? [columns, rows] : [rows, columns];
}

const infer: Primitive["infer"] = (inputs, attributes) => {
  requireFloats("matmul", inputs);
  const [a, b, bias] = [inputs[0]!, inputs[1]!, inputs[2]];
  const { transposeA, transposeB } = attributesOf(attributes);
  const names = [`${describeTensor(a)}${transposeA ? " transposed" : ""}`, `${describeTensor(b)}${transposeB ? " transposed" : ""}`];
  const given = [...names, ...(bias ? [`bias ${describeTensor(bias)}`] : [])].join(" and ");
  const leading = a.shape.slice(0, -2);
  if (a.shape.length < 2 || b.shape.length < 2 || !sameShape(leading, b.shape.slice(0, -2))) {
    throw refuse("matmul", given, "two matrices, or stacks of matrices with equal leading axes");
  }
  const [rows, inner] = matrixOf(a.shape, transposeA);
  const [innerB, columns] = matrixOf(b.shape, transposeB);
  if (inner !== innerB) throw refuse("matmul", given, `equal inner sizes, not ${formatShape([inner])} and ${formatShape([innerB])}`);
  if (bias && (leading.length > 0 || !sameShape(bias.shape, [columns]))) {
    throw refuse("matmul", given, `two matrices and a bias ${formatShape([columns])}`);
  }
  return { shape: [...leading, rows, columns], kind: "float" };
};

const forward: Primitive["forward"] = (inputs, attributes, shape) => {
  const [a, b, bias] = [inputs[0]!, inputs[1]!, inputs[2]];
  const { transposeA, transposeB, alpha } = attributesOf(attributes);
  const [rows, inner] = matrixOf(a.shape, transposeA);
  const [, columns] = matrixOf(b.shape, transposeB);
  const result = new Float64Array(elementCount(shape));
  for (let matrix = 0; matrix < elementCount(shape.slice(0, -2)); matrix++) {
    const [atA, atB, atC] = [matrix * rows * inner, matrix * inner * columns, matrix * rows * columns];
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        let sum = 0;
        for (let k = 0; k < inner; k++) {
          sum += a.data[atA + (transposeA ? k * rows + i : i * inner + k)]! * b.data[atB + (transposeB ? j * inner + k : k * columns + j)]!;
        }
        result[atC + i * columns + j] = alpha * sum + (bias?.data[j] ?? 0);
      }
    }
  }
  return result;
};

/** For C = alpha op(A) op(B): dA = alpha dC op(B)', dB = alpha op(A)' dC, or transposed where the input was. */
function gradient(node: Tensor, upstream: Tensor, ops: Ops): readonly Tensor[] {
  const [a, b, bias] = [node.inputs[0]!, node.inputs[1]!, node.inputs[2]];
  const { transposeA, transposeB, alpha } = attributesOf(node.attributes);
  return [
    transposeA
      ? ops.matmul(b, upstream, { transposeA: transposeB, transposeB: true, alpha })
      : ops.matmul(upstream, b, { transposeB: !transposeB, alpha }),
    transposeB
      ? ops.matmul(upstream, a, { transposeA: true, transposeB: transposeA, alpha })
      : ops.matmul(a, upstream, { transposeA: !transposeA, alpha }),
    ...(bias ? [ops.sumTo(upstream, bias.shape)] : []),
  ];
}

function onnx(node: Tensor, emit: Emitter): string[] {
  const { transposeA, transposeB, alpha } = attributesOf(node.attributes);
  const inputs = emitted(node, emit);
  const flags = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0, alpha: { float: alpha } };
  const rank = node.shape.length;
  if (rank === 2) return emit.add("Gemm", inputs, flags);
  if (emit.precision === "float32") return emit.add("com.microsoft:FusedMatMul", inputs, flags);
  // FusedMatMul is float32 only.
  const perm = Array.from({ length: rank }, (_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
  const operands = inputs.map((name, i) => ((i === 0 ? transposeA : transposeB) ? emit.add("Transpose", [name], { perm })[0]! : name));
  const product = emit.add("MatMul", operands);
  return alpha === 1 ? product : emit.add("Mul", [product[0]!, emit.float(alpha)]);
}

export const products: readonly Primitive[] = [
  definePrimitive({
    name: "matmul",
    infer,
    forward,
    gradient,
    onnx,
    tfjs: (tf, inputs, attributes) => {
      const { transposeA, transposeB, alpha } = attributesOf(attributes);
      const [a, b, bias] = [inputs[0]!, inputs[1]!, inputs[2]];
      // Not tf.fused.matMul: on the wasm backend it gives wrong products where b is transposed and there is a bias.
      const product = tf.matMul(a, b, transposeA, transposeB);
      const scaled = alpha === 1 ? product : tf.mul(product, alpha);
      return bias ? tf.add(scaled, bias) : scaled;
    },
  }),
];
