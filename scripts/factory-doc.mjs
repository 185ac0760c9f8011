// Writes docs/factory.md from the tables in src/factory/. Run it as `npm run factory-doc` after a
// change there; test/factory/describe.test.ts fails until then.
import { writeFile } from "node:fs/promises";
import { describeFactory } from "../src/factory/describe.ts";

await writeFile(new URL("../docs/factory.md", import.meta.url), describeFactory());
