import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["libs/**/*.test.ts", "services/**/*.test.ts", "tests/**/*.test.ts"],
    // Real sockets, child processes and stores on two shared cores: a hang must fail, a slow machine must not.
    testTimeout: 60_000,
    hookTimeout: 240_000,
    pool: "forks",
  },
});
