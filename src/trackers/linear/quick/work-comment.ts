import type { PlanItem } from "../../../factory/facts/run.ts";
import { clip } from "../../../lib/text.ts";
import { planInput } from "../write/content.ts";
import { MARK } from "./own.ts";

/** What the work comment of a session shows: a line that says what is going on, the plan, the links. */
export interface WorkComment {
  readonly status: string;
  /** Lines of a check list, without bullets. */
  readonly plan: readonly string[];
  readonly links: readonly { readonly label: string; readonly url: string }[];
}

export const NOTHING_YET: WorkComment = { status: "On it.", plan: [], links: [] };

const LONGEST_STATUS = 600;
const LINKS = "Links:";
const CHECK = /^\s*(?:[-*+]\s+)?(\[[ xX]\]\s.*)$/;
const LINK = /\[((?:[^\]\\]|\\.)*)\]\(<?(https?:[^)>\s]+)>?\)/g;

/** The whole text of the comment. */
export function workCommentText({ status, plan, links }: WorkComment): string {
  const parts = [`${MARK} ${status}`];
  if (plan.length > 0) parts.push(plan.map((line) => `- ${line}`).join("\n"));
  if (links.length > 0) {
    parts.push(`${LINKS} ${links.map(({ label, url }) => `[${label}](${url})`).join(", ")}`);
  }
  return parts.join("\n\n");
}

/** What a comment shows as it stands, however Linear has rewritten it. */
export function readWorkComment(text: string): WorkComment {
  const lines = text.split("\n");
  const plan = lines
    .flatMap((line) => CHECK.exec(line)?.[1] ?? [])
    .map((line) => line.replace(/^\[X\]/, "[x]"));
  const linked = lines.filter((line) => line.startsWith(LINKS)).join(" ");
  const links = [...linked.matchAll(LINK)].map(([, label = "", url = ""]) => ({ label, url }));
  const end = lines.findIndex((line) => CHECK.test(line) || line.startsWith(LINKS));
  const status = oneLine((end === -1 ? lines : lines.slice(0, end)).join(" ")).replace(/^[^·]*·\s*/, "");
  return { status: status === "" ? NOTHING_YET.status : status, plan, links };
}

/** A message as the status line: what would read as a plan or as links has no lines of its own there. */
export function statusLine(text: string): string {
  return clip(oneLine(text), LONGEST_STATUS);
}

/** A plan as check list. */
export function planLines(items: readonly PlanItem[]): readonly string[] {
  return planInput(items).map(({ content, status }) => {
    const text = oneLine(content);
    if (status === "completed") return `[x] ${text}`;
    return `[ ] ${text}${status === "pending" ? "" : status === "inProgress" ? " (in progress)" : " (canceled)"}`;
  });
}

/** A label that ends no link. */
export function linkLabel(label: string): string {
  return clip(oneLine(label).replaceAll(/[[\]\\]/g, ""), 200);
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}
