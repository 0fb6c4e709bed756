import { afterEach, expect, it, vi } from "vitest";
import { readEnvironment } from "./environment.ts";

afterEach(() => vi.unstubAllEnvs());

it("takes a variable that is set to nothing for one that is not set", () => {
  vi.stubEnv("MODISTE_HOME", "");
  vi.stubEnv("MODISTE_LOG_LEVEL", "warn");
  expect(readEnvironment()).not.toHaveProperty("MODISTE_HOME");
  expect(readEnvironment().MODISTE_LOG_LEVEL).toBe("warn");
});
