import type { RunType } from "../factory/facts/run-types.ts";
import type { Changes } from "../worktrees/worktrees.ts";
import type { RunLimits } from "./parts.ts";
import { SECRET_FORMS } from "./words/scrub.ts";

/**
 * What may not be published without a person (T12 to T18 in docs/reliability.md): the agent is
 * assumed to obey whoever wrote the text it read. Returns every objection, in words; empty = none.
 */
export function objections(changes: Changes, type: RunType, limits: RunLimits): readonly string[] {
  return [
    ...size(changes, limits),
    ...paths(changes),
    ...changes.unfiltered.map(unfiltered),
    ...secrets(changes),
    ...(type === "implementation" ? [] : tests(changes)),
  ];
}

// CI definitions and the hooks that the relay itself runs decide what code is trusted.
const PROTECTED = [
  /^\.github\/workflows\//,
  /^\.github\/actions\//,
  /^\.patchrelay\//,
  /^(\.github\/|docs\/)?CODEOWNERS$/,
  /(^|\/)\.gitattributes$/,
  /^\.gitmodules$/,
];

function paths(changes: Changes): readonly string[] {
  const guarded = changes.files.filter((file) => PROTECTED.some((pattern) => pattern.test(file.path)));
  const odd = changes.files.filter((file) => file.mode === "120000" || file.mode === "160000");
  return [
    ...guarded.map((file) => `it changes ${file.path}, which only a person may change`),
    ...odd.map((file) => `${file.path} is a ${file.mode === "120000" ? "symbolic link" : "submodule"}`),
  ];
}

function unfiltered({ path, filter }: Changes["unfiltered"][number]): string {
  return filter === "lfs"
    ? `${path} belongs in Git LFS (.gitattributes), and patchrelay stores nothing there`
    : `${path} has to go through the filter "${filter}" (.gitattributes), which patchrelay does not run`;
}

function size(changes: Changes, limits: RunLimits): readonly string[] {
  const lines = changes.files.reduce((sum, file) => sum + (file.added ?? 0) + (file.removed ?? 0), 0);
  const list: string[] = [];
  if (changes.files.length > limits.maxChangedFiles)
    list.push(`it changes ${changes.files.length} files, more than ${limits.maxChangedFiles}`);
  if (changes.patchTruncated || changes.patch.length > limits.maxChangedBytes)
    list.push(`it is larger than ${limits.maxChangedBytes} bytes (${lines} lines)`);
  return list;
}

function secrets(changes: Changes): readonly string[] {
  if (changes.added === null || changes.carried === null)
    return ["it adds more than can be looked through for secrets"];
  const named = changes.files.filter(({ status }) => status !== "deleted").map(({ path }) => path);
  const added = [...changes.added, ...changes.carried, ...named].join("\n");
  return SECRET_FORMS.filter(({ pattern }) => added.search(pattern) !== -1).map(
    ({ what }) => `it adds what looks like ${what}`,
  );
}

const TEST_FILE =
  /(^|\/)(tests?|__tests__|spec)\/|[._-](test|spec)\.[A-Za-z]+$|(^|\/)test_[^/]+\.py$|_test\.go$/;
const SKIPPED =
  /\b(it|test|describe)\.(skip|only|todo)\b|\bx(it|describe)\(|@(pytest\.mark\.skip|unittest\.skip|Ignore|Disabled)\b|\bt\.Skip\(|#\[ignore\]/;

/** A repair makes the code pass the tests, never the tests pass the code. */
function tests(changes: Changes): readonly string[] {
  const deleted = changes.files.filter((file) => file.status === "deleted" && TEST_FILE.test(file.path));
  const skipped = (changes.added ?? []).some((line) => SKIPPED.test(line));
  return [
    ...deleted.map((file) => `it deletes the test ${file.path}`),
    ...(skipped ? ["it skips a test"] : []),
  ];
}
