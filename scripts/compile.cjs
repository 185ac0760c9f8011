// Runs the command that lies in the folder given first, with the other arguments, and leaves beside it what V8 has
// compiled for that.
const { writeFileSync } = require("node:fs");
const path = require("node:path");

const [node, , folder, ...args] = process.argv;
const main = path.join(folder, "main.cjs");
process.argv = [node, main, ...args];
const script = require(main);
process.on("exit", () => writeFileSync(path.join(folder, "command.cache"), script.createCachedData()));
