import { createRequire } from "node:module";
import Twelve from "better-sqlite3";

/** Version 12 aborts the process where it was built with the headers of Node 24; 13 does not run on Node 20. */
const NODE_OF_THIRTEEN = 24;

const major = Number(process.versions.node.split(".")[0]);

/** The SQLite driver that suits the Node this runs on: better-sqlite3 12, from Node 24 on 13 (decision 0009). */
export const Sqlite: typeof Twelve =
  major < NODE_OF_THIRTEEN
    ? Twelve
    : (createRequire(import.meta.url)("better-sqlite3-napi") as typeof Twelve);
