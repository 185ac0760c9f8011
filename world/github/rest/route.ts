import type { CommitRecord } from "../git/git.ts";
import type { Actor, Auth } from "../auth.ts";
import type { Ci, CheckRun, Core, Pull, Repository } from "../model/model.ts";
import { exclusive } from "../model/model.ts";
import type { CheckedRequest } from "../schemas.ts";
import { Refused } from "../schemas.ts";
import type { Webhooks } from "../webhooks.ts";

/** What a route works with. */
export interface Call extends CheckedRequest {
  readonly core: Core;
  readonly auth: Auth;
  readonly webhooks: Webhooks;
  readonly ci: () => Ci;
  readonly actor: Actor;
  /** Reads show the state of this time; Infinity = now. */
  readonly at: number;
  /** The request's own address, for `link` headers. */
  readonly url: URL;
  /** The repository that the path names. Throws Refused 404 where there is none for this caller. */
  readonly repository: Repository;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Route = (call: Call) => Promise<Answer> | Answer;
export type Routes = Readonly<Record<string, Route>>;

export function ok(body: unknown): Answer {
  return { status: 200, body };
}

/** A route that changes the repository: one at a time. */
export function changing(route: (call: Call) => Promise<Answer>): Route {
  return (call) => exclusive(call.repository, () => route(call));
}

/** One page of `items` with GitHub's `link` header; `wrap` names the field of a wrapped list. */
export function page(call: Call, items: readonly unknown[], wrap: string | null = null): Answer {
  const size = Math.min(100, Math.max(1, Number(call.query["per_page"] ?? 30)));
  const number = Math.max(1, Number(call.query["page"] ?? 1));
  const last = Math.max(1, Math.ceil(items.length / size));
  const slice = items.slice((number - 1) * size, number * size);
  const link = (rel: string, target: number): string => {
    const url = new URL(call.url);
    url.searchParams.set("page", String(target));
    return `<${url.href}>; rel="${rel}"`;
  };
  const links = [
    ...(number > 1 ? [link("prev", number - 1)] : []),
    ...(number < last ? [link("next", number + 1), link("last", last)] : []),
    ...(number > 1 ? [link("first", 1)] : []),
  ];
  return {
    status: 200,
    body: wrap === null ? slice : { total_count: items.length, [wrap]: slice },
    headers: links.length === 0 ? {} : { link: links.join(", ") },
  };
}

export function notFound(): Refused {
  return new Refused(404, "Not Found");
}

export function pullOf(call: Call, parameter = "pull_number"): Pull {
  const pull = call.repository.pulls.get(Number(call.path[parameter]));
  if (pull === undefined || pull.createdAt > call.at) throw notFound();
  return pull;
}

/** The commit that a `ref` parameter names. Throws Refused 422 as GitHub does for an unknown one. */
export async function commitOf(call: Call, name: string): Promise<CommitRecord> {
  const sha = await call.repository.git.resolve(name.replace(/^refs\//, ""));
  const commit = sha === null ? null : await call.repository.git.commit(sha);
  if (commit === null) throw new Refused(422, `No commit found for SHA: ${name}`);
  return commit;
}

export function checkRunOf(repository: Repository, id: number): CheckRun {
  for (const checks of repository.checks.values()) {
    const found = checks.runs.find((run) => run.id === id);
    if (found !== undefined) return found;
  }
  throw notFound();
}

/** A query or body field that is text, else null. */
export function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
