#!/usr/bin/env node
// Starts the command from what V8 compiled when it was built (warm.mjs): compiling would take a third of the time of a
// quick command. What another version of Node has left is refused by V8, and then the code is compiled as ever.
const { readFileSync } = require("node:fs");
const path = require("node:path");
const { Script } = require("node:vm");

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `patchrelay needs Node 20.19 or newer; this is Node ${process.versions.node}. ` +
      "Install Node 22 or 24, then run npm install again.\n",
  );
  process.exit(1);
}

// Libraries print what they send when they are told to debug, credentials in headers among it. Theirs can be told
// otherwise; Node's own has been read by now.
if (process.env.NODE_DEBUG) {
  process.stderr.write(
    "NODE_DEBUG is set: Node would print the headers of every request, and with them the credentials. " +
      "Unset it, and set log.level to debug instead.\n",
  );
  process.exit(1);
}
for (const name of Object.keys(process.env)) if (/^DEBUG(_|$)/.test(name)) delete process.env[name];

const filename = path.join(__dirname, "command.cjs");

/** The command beside this file, with its compiled code where there is some. */
function commandScript() {
  const source = `(function (require, __filename, load) {${readFileSync(filename, "utf8")}\n})`;
  let cachedData;
  try {
    cachedData = readFileSync(path.join(__dirname, "command.cache"));
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  return new Script(source, { filename, cachedData });
}

const script = commandScript();
script.runInThisContext()(require, filename, (part) => import(part));
module.exports = script;
