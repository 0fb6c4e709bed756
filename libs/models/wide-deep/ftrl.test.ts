import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRandom } from "#libs/core/random.ts";
import { createFtrl, stepFtrl } from "./ftrl.ts";

describe("FTRL-Proximal", () => {
  // The closed form of the paper's equation (the minimum over w of g·w + 1/2 Σ σ (w - w_s)² + λ₁|w| + λ₂ w² / 2), found by search.
  it("gives the weight that minimises what the paper minimises", () => {
    const gradient = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(fc.array(gradient, { minLength: 1, maxLength: 12 }), (gradients) => {
        const settings = { alpha: 0.3, l1: 0.2, l2: 0.5 };
        const ftrl = createFtrl(1, settings);
        const weights = [0];
        for (const each of gradients) {
          stepFtrl(ftrl, 0, each);
          weights.push(ftrl.weights[0]!);
        }
        const squares = gradients.map((_, t) => gradients.slice(0, t + 1).reduce((sum, each) => sum + each ** 2, 0));
        // Of the first step the proximal strength is (beta + root) / alpha in the paper's algorithm: beta counts once, at weight 0.
        const sigmas = squares.map((square, t) => (Math.sqrt(square) - Math.sqrt(t === 0 ? 0 : squares[t - 1]!)) / settings.alpha);
        const cost = (w: number): number =>
          gradients.reduce((sum, each, t) => sum + each * w + (sigmas[t]! / 2) * (w - weights[t]!) ** 2, 0) +
          (w ** 2 / 2) * (1 / settings.alpha + settings.l2) +
          settings.l1 * Math.abs(w);
        const found = weights.at(-1)!;
        for (const step of [1e-2, 1e-1, 1]) {
          expect(cost(found)).toBeLessThanOrEqual(cost(found + step) + 1e-5);
          expect(cost(found)).toBeLessThanOrEqual(cost(found - step) + 1e-5);
        }
      }),
    );
  });

  it("keeps the weight of what does not matter at 0", () => {
    const ftrl = createFtrl(2, { alpha: 0.1, l1: 3, l2: 0 });
    const random = createRandom(1, "ftrl");
    for (let step = 0; step < 200; step++) {
      stepFtrl(ftrl, 0, random.next() < 0.5 ? 0.1 : -0.1);
      stepFtrl(ftrl, 1, -0.1);
    }
    expect(ftrl.weights[0]).toBe(0);
    expect(ftrl.weights[1]).toBeGreaterThan(0);
  });
});
