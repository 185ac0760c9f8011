// Writes config/patchrelay.schema.json from the schema that checks the config file. Run it as
// `npx tsx scripts/config-schema.mjs` after a change there; test/settings/published.test.ts fails until then.
import { writeFile } from "node:fs/promises";
import { configJsonSchema } from "../src/settings/schema/schema.ts";

const target = new URL("../config/patchrelay.schema.json", import.meta.url);
await writeFile(target, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
