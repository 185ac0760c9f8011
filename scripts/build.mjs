// Makes dist/ from src/: see bundle.mjs for how the command is put together.
import { cp, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.mjs";
import { warm } from "./warm.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = fileURLToPath(new URL("../dist", import.meta.url));

await rm(target, { recursive: true, force: true });
await bundle(root, target);
// The stand-ins of the demo read these beside their own code.
await cp(`${root}world/schemas`, `${target}/schemas`, {
  recursive: true,
  filter: (source) => !source.endsWith(".ts"),
});
await warm(root, target);
