// `npm run check:lock`: whether package-lock.json has everything that its packages ask for. A registry that has not
// got a tool's binary for some platform on the day the file is written makes npm leave it out in silence; `npm ci`
// then refuses the file for everybody, and `npm install` rewrites it. Asks no registry.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** Groups of dependencies that npm wants to find in the file. Optional ones count: other platforms need them. */
const GROUPS = ["dependencies", "optionalDependencies", "devDependencies"];

/**
 * Sentences that say what the lock file lacks; none when it is complete.
 * @param {{ packages?: Record<string, Record<string, any>> }} lock parsed package-lock.json, version 3
 * @param {Record<string, any>} manifest parsed package.json
 * @returns {string[]}
 */
export function findLockGaps(lock, manifest) {
  const packages = lock.packages ?? {};
  const root = packages[""] ?? {};
  const gaps = GROUPS.flatMap((group) => differences(group, manifest[group] ?? {}, root[group] ?? {}));
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, range] of wanted(path, entry)) {
      if (!placesToLook(path, name).some((place) => packages[place] !== undefined))
        gaps.push(`${name}@${range}, which ${path || "package.json"} asks for, is missing`);
    }
  }
  return gaps;
}

function differences(group, declared, locked) {
  return [...new Set([...Object.keys(declared), ...Object.keys(locked)])]
    .filter((name) => declared[name] !== locked[name])
    .map(
      (name) =>
        `${name} is ${declared[name] ?? "absent"} in ${group} of package.json, but ${locked[name] ?? "absent"} in the lock file`,
    );
}

/** What npm resolves for an entry: a package's own development dependencies are nobody else's concern. */
function wanted(path, entry) {
  const groups = path === "" ? GROUPS : ["dependencies", "optionalDependencies"];
  const peers = Object.entries(entry.peerDependencies ?? {}).filter(
    ([name]) => entry.peerDependenciesMeta?.[name]?.optional !== true,
  );
  return [...groups.flatMap((group) => Object.entries(entry[group] ?? {})), ...peers];
}

/** Node's way of looking: beside the package, then one level up after the other. */
function placesToLook(path, name) {
  const places = [];
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1))) {
    places.push(`${at === "" ? "" : `${at}/`}node_modules/${name}`);
    if (at === "") return places;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const read = (name) => {
    try {
      return JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8"));
    } catch (error) {
      console.error(
        `${name} cannot be read (${error.message}). Take it from git again: \`git checkout ${name}\`; after a merge, take one side's and run \`npm install\`.`,
      );
      process.exit(1);
    }
  };
  const gaps = findLockGaps(read("package-lock.json"), read("package.json"));
  if (gaps.length > 0) {
    const shown = gaps.slice(0, 20).map((gap) => `  ${gap}`);
    const more = gaps.length > shown.length ? [`  and ${gaps.length - shown.length} more`] : [];
    console.error(
      [
        "package-lock.json is not complete, so `npm ci` refuses it:",
        ...shown,
        ...more,
        "Either package.json was changed without it, or the registry had not got these packages when it was written.",
        "Run `npm install`, look at `git diff package-lock.json`, and commit it. If packages are still missing then,",
        "choose an older version of the tool that wants them.",
      ].join("\n"),
    );
    process.exit(1);
  }
}
