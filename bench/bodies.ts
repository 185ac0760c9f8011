import { createHmac } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { GITHUB_SECRET } from "../src/demo/webhook-secrets.ts";

/** A GitHub webhook that only wants a delivery id to be sent. */
export interface SignedBody {
  readonly event: string;
  readonly body: Buffer;
  readonly signature: string;
}

export const REPOSITORY = "acme/shop";

// What GitHub sends around the part that an event is about: addresses of everything, in every object.
const REPOSITORY_LINKS =
  "forks keys collaborators teams hooks issue_events events assignees branches tags blobs git_tags git_refs trees statuses languages stargazers contributors subscribers subscription commits git_commits comments issue_comment contents compare merges archive downloads issues pulls milestones notifications labels releases deployments";
const PERSON_LINKS =
  "followers following gists starred subscriptions organizations repos events received_events";
const PULL_LINKS = "diff patch issue commits review_comments review_comment comments statuses";

function links(names: string, base: string): Record<string, string> {
  return Object.fromEntries(names.split(" ").map((name) => [`${name}_url`, `${base}/${name}{/sha}`]));
}

function person(login: string): object {
  const base = `https://api.example.com/users/${login}`;
  return {
    login,
    id: 4_711,
    node_id: "MDQ6VXNlcjQ3MTE=",
    type: "User",
    site_admin: false,
    ...links(PERSON_LINKS, base),
  };
}

function repository(): object {
  const base = `https://api.example.com/repos/${REPOSITORY}`;
  return {
    id: 815_000,
    node_id: "R_kgDOABCDEF",
    name: "shop",
    full_name: REPOSITORY,
    private: true,
    owner: person("acme"),
    description: "The shop, its price engine and everything that hangs on it",
    default_branch: "main",
    topics: ["shop", "prices"],
    ...links(REPOSITORY_LINKS, base),
  };
}

/** Bodies of 5 to 25 KB of real shape, signed: the tests' payloads in `folder`, with what GitHub puts around them. */
export function signedBodies(folder: string): readonly SignedBody[] {
  const common = { repository: repository(), organization: person("acme"), sender: person("grace") };
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json") && file !== "ping.json")
    .flatMap((file) => {
      const event = file.slice(0, -".json".length);
      const content = JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>;
      const subject = content[event] ?? content["pull_request"];
      const whole = typeof subject === "object" ? { [event]: { ...subject, ...around(event) } } : {};
      return ["a", "b", "c"].map((variant) => {
        const body = Buffer.from(JSON.stringify({ ...content, ...whole, ...common, variant }));
        const digest = createHmac("sha256", GITHUB_SECRET).update(body).digest("hex");
        return { event, body, signature: `sha256=${digest}` };
      });
    });
}

/** The objects that come in whole with each event: a pull request brings two repositories of its own along. */
function around(event: string): object {
  const base = `https://api.example.com/repos/${REPOSITORY}`;
  if (!/^(?:pull_request|check_|workflow_run|issue_comment)/.test(event)) return {};
  const small = {
    user: person("grace"),
    head_repository: repository(),
    _links: links(PULL_LINKS, `${base}/pulls/7`),
  };
  if (!event.startsWith("pull_request")) return small;
  return {
    ...small,
    base_repository: repository(),
    merged_by: person("linus"),
    requested_reviewers: [person("ada"), person("alan")],
    ...links(PULL_LINKS, `${base}/pulls/7`),
    description: "The price engine needs this beside what is there already, with a test. ".repeat(25),
  };
}

/** The head of a request that carries one of them. */
export function requestHead(signed: SignedBody, deliveryId: string): string {
  return [
    "POST /webhooks/github HTTP/1.1",
    "Host: 127.0.0.1",
    "User-Agent: GitHub-Hookshot/bench",
    "Accept: */*",
    "Content-Type: application/json",
    `X-GitHub-Delivery: ${deliveryId}`,
    `X-GitHub-Event: ${signed.event}`,
    "X-GitHub-Hook-ID: 501",
    `X-Hub-Signature-256: ${signed.signature}`,
    `Content-Length: ${signed.body.length}`,
    "",
    "",
  ].join("\r\n");
}
