/** Our id of an issue: `<tracker>:<the tracker's own id>`, e.g. `linear:6f0c…`. */
export type IssueId = string & { readonly __issue: true };

const ISSUE_ID = /^[a-z][a-z0-9]*:[A-Za-z0-9-]{1,100}$/;

/** The id of a tracker's issue. Throws when the tracker's id holds anything but letters, digits and dashes. */
export function issueId(tracker: string, id: string): IssueId {
  const text = `${tracker}:${id}`;
  if (!ISSUE_ID.test(text)) throw new Error(`not an issue id: ${JSON.stringify(text)}`);
  return text as IssueId;
}

/** `text` as an issue id, or null. */
function parseIssueId(text: string): IssueId | null {
  return ISSUE_ID.test(text) ? (text as IssueId) : null;
}

/** The name of the tracker that the issue is of. */
export function trackerOf(id: IssueId): string {
  return id.slice(0, id.indexOf(":"));
}

/** The tracker's own id of the issue. */
export function trackerIdOf(id: IssueId): string {
  return id.slice(id.indexOf(":") + 1);
}

/** The id of a run: safe in a URL, a file name and a commit trailer. */
export function runId(issue: IssueId, number: number): string {
  return `${issue.replace(":", "-")}.${number}`;
}

/** The issue and number of a run id, or null when it is none. */
export function parseRunId(text: string): { readonly issue: IssueId; readonly number: number } | null {
  const found = /^([a-z][a-z0-9]*)-([A-Za-z0-9-]{1,100})\.([1-9][0-9]{0,5})$/.exec(text);
  if (found === null) return null;
  const issue = parseIssueId(`${found[1]}:${found[2]}`);
  return issue === null ? null : { issue, number: Number(found[3]) };
}

/**
 * The branch of an issue: prefix, key in lower case, and from the second pull request on its generation.
 * Only `[a-z0-9._/-]` comes out, whatever the key holds: the name reaches git and shells.
 */
function branchName(prefix: string, key: string, generation: number): string {
  const safe = key
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  const name = safe === "" ? "issue" : safe;
  return generation <= 1 ? `${prefix}${name}` : `${prefix}${name}-${generation}`;
}

/** The branch of the issue's next pull request: none that an earlier one had. */
export function freshBranch(
  prefix: string,
  key: string,
  past: readonly { readonly branch: string }[],
): string {
  let name = branchName(prefix, key, past.length + 1);
  while (past.some(({ branch }) => branch === name)) name = branchAfter(prefix, key, name);
  return name;
}

/** Another branch for the issue, where the one of this name is somebody else's. */
export function branchAfter(prefix: string, key: string, taken: string): string {
  const first = branchName(prefix, key, 1);
  const number = taken.startsWith(`${first}-`) ? Number(taken.slice(first.length + 1)) : 1;
  return branchName(prefix, key, Number.isSafeInteger(number) && number > 0 ? number + 1 : 2);
}

/** The name of an issue's worktree for one of its branches: one path component, unique in the data folder. */
export function worktreeNameOf(issue: IssueId, branch: string): string {
  return `${branch.replace(/[^A-Za-z0-9._-]+/g, "-")}-${trackerIdOf(issue).slice(0, 8)}`;
}
