/** What a copied row forgets. */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { fleet, sources } from "./fleet.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const twice = (values: readonly unknown[]): unknown[] => values.filter((value, i) => values.indexOf(value) !== i);

it("no two services share a name or a port", () => {
  expect(twice(fleet.map(({ name }) => name))).toEqual([]);
  expect(fleet.map(({ name }) => name).filter((name) => !/^[a-z][a-z0-9-]*$/.test(name))).toEqual([]);
  // Metrics and health listen 1000 above gRPC; the gateway's are part of its HTTP door.
  const ports = fleet.flatMap(({ kind, port }) => (kind === "gateway" ? [port] : [port, port + 1000]));
  expect(twice(ports)).toEqual([]);
});

it.each(fleet.map(({ name }) => name))("%s: its main.ts runs it and nothing else", (name) => {
  expect(read(`${name}/main.ts`)).toContain(`runProcess(fleet, ["${name}"])`);
});

it.each(sources)("$name: asked for something, said in a few words, under the contract", ({ name, hint, serves, quota, budgetMs }) => {
  expect(serves.length).toBeGreaterThan(0);
  expect(twice(serves)).toEqual([]);
  expect(quota).toBeGreaterThan(0);
  expect(budgetMs).toBeGreaterThan(0);
  expect(hint).toMatch(/^[a-z][a-z ]{2,30}$/);
  expect(read(`${name}/source.test.ts`)).toContain("sourceContract(");
});

it.each(sources)("$name: its reasons are words of a label, each once", async ({ source }) => {
  const { reasons } = await source();
  expect(reasons.length).toBeGreaterThan(0);
  expect(reasons.filter((reason) => !/^[a-z][a-z0-9_]*$/.test(reason))).toEqual([]);
  expect(twice(reasons)).toEqual([]);
});
