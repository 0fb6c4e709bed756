/** tfjs on libtensorflow against the reference: every primitive, and a transformer block with its gradients. `npm run tfjs:install` first. */

import { describe, expect, it } from "vitest";
import { caseDistance, graphDistance } from "#libs/graph/agreement.fixture.ts";
import { createBlock, trainingGraph } from "#libs/graph/block.fixture.ts";
import { type Case, compositeCases, primitiveCases, singles } from "#libs/graph/cases.fixture.ts";
import { type Executor, openExecutor } from "#libs/graph/executors/executor.ts";

const cases = [...primitiveCases, ...compositeCases].map((one): [string, Case] => [`${one.primitive}: ${one.title}`, one]);

async function openOr(name: "tfjs-cpu" | "tfjs-gpu"): Promise<Executor | string> {
  try {
    return await openExecutor(name);
  } catch (error) {
    return (error as Error).message;
  }
}

const cpu = await openOr("tfjs-cpu");
const found = {
  "tfjs-cpu": cpu,
  // A process has room for one libtensorflow.
  "tfjs-gpu": typeof cpu === "string" ? await openOr("tfjs-gpu") : "tfjs-cpu is installed and was taken instead",
};

for (const [name, executor] of Object.entries(found)) {
  if (typeof executor === "string") {
    // An optional peer that `npm install` never brings (npm run tfjs:install does): said by name, so that nobody takes it for tested.
    it(`${name} is not tested: ${executor}`, (context) => context.skip());
    continue;
  }
  describe(`${name} agrees with the reference`, () => {
    it.each(cases)("%s", async (_, one) => {
      expect(await caseDistance(executor, one)).toBeLessThan(1e-5);
    });

    it("a transformer block with a full softmax, its loss and all gradients", async () => {
      const block = createBlock({ batch: 3, length: 5, width: 8, hidden: 12, items: 11 });
      const [output, distance] = await graphDistance(executor, trainingGraph(block), singles({ inputs: {}, ...block }), 1e-2);
      expect(distance, output).toBeLessThan(1e-5);
    });
  });
}
