import { defineConfig } from "vitest/config";
import { alteredPolicy } from "./test/conformance/altered-policy.ts";

/** Runs with policy functions that answer something else, in a build of its own. */
const ALTERED = "test/conformance/altered-policy.test.ts";

export default defineConfig({
  test: {
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ["default"],
    projects: [
      { extends: true, test: { name: "patchrelay", include: ["test/**/*.test.ts"], exclude: [ALTERED] } },
      { extends: true, plugins: [alteredPolicy], test: { name: "altered", include: [ALTERED] } },
    ],
  },
});
