import { expect, it } from "vitest";
import { fleet, loadModels } from "../../fleet.ts";
import { columnOf, queryOf, tableOf } from "../test-shop.fixture.ts";
import { explainCandidate } from "./reasons.ts";

it("has English for every reason of every source of the fleet", async () => {
  const { sources } = await loadModels();
  expect(sources.length).toBe(fleet.filter(({ kind }) => kind === "source").length);
  for (const { name, source } of sources) {
    for (const word of source.reasons) {
      const [reason] = explainCandidate(queryOf(), tableOf([3], columnOf(name, [1], word)), 0);
      expect(reason!.text, `${name} ${word}`).not.toContain("suggested by");
    }
  }
});
