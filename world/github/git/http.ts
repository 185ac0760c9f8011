import type { WireReply, WireRequest } from "../../wire.ts";
import { runProgram } from "./git.ts";

/** What a git request asks of which repository. */
export interface GitRequest {
  readonly repository: string;
  /** The rest of the path, from the slash after `.git`. */
  readonly path: string;
  readonly writes: boolean;
}

/** The git request that a path and query are, or null. The repository's name may end in `.git` or not. */
export function gitRequest(url: URL): GitRequest | null {
  const found = /^\/([^/]+)\/([^/]+?)(?:\.git)?(\/(?:info\/refs|git-upload-pack|git-receive-pack))$/.exec(
    url.pathname,
  );
  if (found === null) return null;
  const path = found[3] ?? "";
  const writes = path === "/git-receive-pack" || url.searchParams.get("service") === "git-receive-pack";
  return { repository: `${found[1] ?? ""}/${found[2] ?? ""}`, path, writes };
}

/** Lets git's own CGI program answer for the bare repository in `folder`, as `user`. */
export async function answerGit(
  folder: string,
  request: WireRequest,
  path: string,
  user: string,
): Promise<WireReply> {
  const header = (name: string): string => String(request.headers[name] ?? "");
  const variables = {
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_INFO: path,
    REQUEST_METHOD: request.method,
    QUERY_STRING: request.url.search.slice(1),
    CONTENT_TYPE: header("content-type"),
    CONTENT_LENGTH: String(request.body.length),
    HTTP_CONTENT_ENCODING: header("content-encoding"),
    GIT_PROTOCOL: header("git-protocol"),
    REMOTE_USER: user,
    REMOTE_ADDR: "127.0.0.1",
  };
  const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  // `env` sets the variables, so that this file need not know the process's own environment.
  const program = ["git", "-c", `core.hooksPath=${folder}/hooks`, "http-backend"];
  const answer = await runProgram(
    "env",
    ["-u", "GIT_DIR", "-u", "GIT_WORK_TREE", ...settings, ...program],
    request.body,
  );
  return asReply(answer.stdout, answer.stderr);
}

function asReply(output: Buffer, errors: string): WireReply {
  const end = output.indexOf("\r\n\r\n");
  if (end < 0)
    return { status: 500, headers: { "content-type": "text/plain" }, body: `git http-backend: ${errors}` };
  const headers: Record<string, string> = {};
  let status = 200;
  for (const line of output.subarray(0, end).toString("latin1").split("\r\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "status") status = Number.parseInt(value, 10);
    else headers[name] = value;
  }
  return { status, headers, body: output.subarray(end + 4) };
}
