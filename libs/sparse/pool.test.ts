import { describe, expect, it } from "vitest";
import { normalizedAdjacency } from "#libs/sparse/csr.ts";
import { createPool } from "#libs/sparse/pool.ts";
import { spmmReference } from "#libs/sparse/reference.ts";
import { open, type SpmmInput, type SpmmTask } from "#libs/sparse/spmm-worker.ts";
import { createArena } from "#libs/sparse/wasm.ts";

const users = Int32Array.of(0, 0, 1, 2, 2);
const items = Int32Array.of(0, 1, 1, 0, 2);

function setUp() {
  const graph = normalizedAdjacency(3, 3, users, items);
  const arena = createArena();
  const x = arena.copyFloat32(Float32Array.from({ length: 24 }, (_, i) => i));
  const y = arena.float32(24);
  const input: SpmmInput = {
    memory: arena.memory,
    offsets: arena.copyInt32(graph.offsets).at,
    indices: arena.copyInt32(graph.indices).at,
    values: arena.copyFloat32(graph.values).at,
    d: 4,
  };
  const task = (from: number, to: number): SpmmTask => ({ kind: "spmm", x: x.at, b: 0, y: y.at, from, to });
  return { input, task, y, expected: spmmReference(graph, x.values, 4) };
}

const here = new URL("./spmm-worker.ts", import.meta.url);
const nowhere = new URL("./not-there.ts", import.meta.url);

describe.each([
  ["workers", here],
  ["the caller's thread, where the worker's file is missing", nowhere],
])("pool on %s", (_, module) => {
  it("shares memory with its tasks", async () => {
    const { input, task, y, expected } = setUp();
    const pool = createPool({ threads: 2, module, open, input, signal: new AbortController().signal });
    await Promise.all([pool.run(task(0, 2)), pool.run(task(2, 5)), pool.run(task(5, 6))]);
    await pool.close();
    y.values.forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 4);
    });
    await expect(pool.run(task(0, 1))).rejects.toMatchObject({ code: "cancelled" });
  });

  it("refuses waiting and later tasks as cancelled once aborted", async () => {
    const { input, task } = setUp();
    const controller = new AbortController();
    const pool = createPool({ threads: 1, module, open, input, signal: controller.signal });
    const waiting = Promise.allSettled([pool.run(task(0, 1)), pool.run(task(1, 2))]);
    controller.abort();
    for (const outcome of await waiting) expect(outcome).toMatchObject({ status: "rejected", reason: { code: "cancelled" } });
    await pool.close();
  });
});
