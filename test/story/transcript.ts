import type { JournalDocument, StreamLine } from "../../src/engines/documents.ts";
import type { GitHubWorld } from "../../world/github/world.ts";
import type { LinearWorld } from "../../world/linear/world.ts";

/** What differs from telling to telling is put aside: commits, addresses, times. */
function plain(text: string): string {
  return text
    .replaceAll(/https?:\/\/[^\s)]+/g, "<url>")
    .replaceAll(/\b(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b/g, "<commit>")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>");
}

/** The states an issue (by our id) went through. */
export function statesOf(lines: readonly StreamLine[], id: string): readonly string[] {
  const path: string[] = [];
  for (const { kind, line } of lines) {
    if (kind !== "journal") continue;
    const { issue, from, to } = line as JournalDocument;
    if (issue === id && from !== to) path.push(to);
  }
  return path;
}

/** What Linear shows in the issue's sessions: activities in their order, then plan, links and status. */
export function toldInLinear(linear: LinearWorld, key: string): readonly string[] {
  const issue = linear.issue(key);
  const lines = issue.sessions.flatMap((session) =>
    linear.activities(session.id).flatMap(({ content }) => {
      const { type, body, action, parameter, result } = content as unknown as Record<string, unknown>;
      if (type === "prompt") return [`prompt: ${words(body)}`];
      if (type !== "action") return [`${String(type)}: ${words(body)}`];
      return [`action: ${words(action)} ${words(parameter)}${result == null ? "" : ` → ${words(result)}`}`];
    }),
  );
  return [...lines, `status: ${issue.state.name}`].map(plain);
}

function words(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Pushes to branches of the relay, by whom. */
export function pushesIn(github: GitHubWorld, prefix = "refs/heads/patchrelay/"): readonly string[] {
  return github.pushes
    .filter(({ ref, after }) => ref.startsWith(prefix) && !/^0+$/.test(after))
    .map(
      ({ person, ref, forced }) => `${person} ${ref.slice("refs/heads/".length)}${forced ? " (forced)" : ""}`,
    );
}

/** Comments on a pull request, threads included. */
export function commentsOn(github: GitHubWorld, number: number): readonly string[] {
  const pull = github.pullRequest(number);
  const visible = (body: string): string => plain(body.replaceAll(/<!--[\s\S]*?-->/g, "").trim());
  return [
    ...pull.comments.map(({ author, body }) => `${author.login}: ${visible(body)}`),
    ...pull.threads.flatMap(({ path, comments }) =>
      comments.map(({ author, body }) => `${path} ${author.login}: ${visible(body)}`),
    ),
  ];
}

/**
 * The session of an issue as Linear shows it in the end, as a page to be read: every row that stays, with who says it,
 * then plan, links and status. `rows` counts those of the relay.
 */
export function sessionPage(
  linear: LinearWorld,
  key: string,
  title: string,
): { readonly page: string; readonly rows: number } {
  const issue = linear.issue(key);
  const shown = issue.sessions.flatMap((session) =>
    linear.activities(session.id).filter(({ ephemeral }) => !ephemeral),
  );
  const rows = shown.map(({ content, signal }) => {
    const { type, body, action, parameter, result } = content as unknown as Record<string, unknown>;
    const said =
      type === "action"
        ? `${words(action)} ${words(parameter)}${result == null ? "" : `\n\n${words(result)}`}`
        : words(body);
    const who = type === "prompt" ? "A person" : "patchrelay";
    return `### ${who}: ${String(type)}${type === "prompt" && signal != null ? ` (${signal})` : ""}\n\n${plain(said)}`;
  });
  const plans = issue.sessions.flatMap(({ plan, status, externalLinks }) => [
    `The session is \`${status}\`, the issue \`${issue.state.name}\`.`,
    planLines(plan).join("\n"),
    externalLinks.map(({ label }) => `Link: ${label}`).join("\n"),
  ]);
  const page = [`# ${title}`, ...rows, "---", ...plans.filter((part) => part !== "")].join("\n\n");
  return { page: `${page}\n`, rows: shown.filter(({ content }) => content.type !== "prompt").length };
}

function planLines(plan: unknown): readonly string[] {
  const items = (typeof plan === "string" ? JSON.parse(plan) : plan) as
    | readonly { readonly content: string; readonly status: string }[]
    | null;
  return (items ?? []).map(({ content, status }) => `- ${content}: ${status}`);
}
