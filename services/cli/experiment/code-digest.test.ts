import { expect, it } from "vitest";
import { sources } from "../../fleet.ts";
import { codeDigest, listMakingFiles } from "./code-digest.ts";

it("covers the table of the fleet, every source of it, and no test", () => {
  const files = listMakingFiles();
  expect(files).toContain("services/fleet.ts");
  for (const { name } of sources) expect(files).toContain(`services/${name}/source.ts`);
  expect(files).toContain("libs/models/settings.ts");
  expect(files.filter((file) => /\.test\.ts$|\/(http|web|report)\//.test(file))).toEqual([]);
  expect(new Set(files).size).toBe(files.length);
});

it("is the same for the same code", () => {
  expect(codeDigest()).toMatch(/^[0-9a-f]{16}$/);
  expect(codeDigest()).toBe(codeDigest());
});
