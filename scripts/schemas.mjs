// Makes the descriptions that the stand-in GitHub checks requests and webhooks against:
//   world/schemas/github-openapi.json.gz   from @octokit/openapi (MIT): the operations and events below
//   world/schemas/github.graphql.gz        from @octokit/graphql-schema (MIT): whole, without prose
// Run by hand when the stand-in learns an operation or GitHub changes: `node scripts/schemas.mjs`. The packages
// are fetched into a temporary folder and dropped again; unpacked they are too large to be dependencies.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { buildSchema, Kind, parse, print, visit } from "graphql";

const OPENAPI = "@octokit/openapi@23.0.2";
const GRAPHQL = "@octokit/graphql-schema@15.26.1";

const OPERATIONS = `
actions/download-job-logs-for-workflow-run actions/get-job-for-workflow-run actions/get-workflow-run
actions/list-jobs-for-workflow-run actions/list-workflow-runs-for-repo actions/re-run-job-for-workflow-run
actions/re-run-workflow actions/re-run-workflow-failed-jobs
apps/create-installation-access-token apps/get-authenticated apps/get-installation apps/get-repo-installation
apps/get-webhook-delivery apps/list-installations apps/list-repos-accessible-to-installation
apps/list-webhook-deliveries apps/redeliver-webhook-delivery
checks/get checks/list-annotations checks/list-for-ref checks/list-suites-for-ref
git/create-ref git/delete-ref git/get-ref
issues/add-labels issues/create-comment issues/get-comment issues/list-comments issues/update-comment
meta/get pulls/create pulls/create-reply-for-review-comment pulls/get pulls/list pulls/list-commits pulls/list-files
pulls/list-requested-reviewers pulls/list-review-comments pulls/list-reviews pulls/merge pulls/request-reviewers
pulls/update pulls/update-branch
rate-limit/get
repos/compare-commits-with-basehead repos/get repos/get-branch repos/get-branch-protection repos/get-branch-rules
repos/get-collaborator-permission-level repos/get-combined-status-for-ref repos/get-commit repos/get-content
repos/list-commit-statuses-for-ref repos/list-pull-requests-associated-with-commit
users/get-authenticated
`
  .trim()
  .split(/\s+/);

const EVENTS = `
check-run-completed check-run-created check-suite-completed check-suite-requested
issue-comment-created issue-comment-deleted issue-comment-edited
merge-group-checks-requested merge-group-destroyed ping
pull-request-auto-merge-disabled pull-request-auto-merge-enabled pull-request-closed
pull-request-converted-to-draft pull-request-dequeued pull-request-edited pull-request-enqueued
pull-request-labeled pull-request-opened pull-request-ready-for-review pull-request-reopened
pull-request-review-request-removed pull-request-review-requested pull-request-synchronize
pull-request-review-comment-created pull-request-review-comment-deleted pull-request-review-comment-edited
pull-request-review-dismissed pull-request-review-edited pull-request-review-submitted
pull-request-review-thread-resolved pull-request-review-thread-unresolved
push status workflow-job-completed workflow-job-in-progress workflow-job-queued
workflow-run-completed workflow-run-in-progress workflow-run-requested
`
  .trim()
  .split(/\s+/);

const PROSE = new Set([
  "description",
  "title",
  "example",
  "examples",
  "externalDocs",
  "summary",
  "deprecated",
  "xml",
  "discriminator",
  "readOnly",
  "writeOnly",
]);

const folder = await mkdtemp(join(tmpdir(), "patchrelay-schemas-"));
try {
  const description = JSON.parse(await fromPackage(OPENAPI, "package/generated/api.github.com.json"));
  const sdl = await fromPackage(GRAPHQL, "package/schema.graphql");
  await write("github-openapi.json.gz", JSON.stringify(cutDown(description)));
  await write("github.graphql.gz", withoutProse(sdl));
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function fromPackage(name, path) {
  const run = promisify(execFile);
  const { stdout } = await run("npm", ["pack", name, "--silent", "--pack-destination", folder], {
    timeout: 300_000,
  });
  await run("tar", ["-xzf", join(folder, stdout.trim().split("\n").at(-1)), "-C", folder, path], {
    timeout: 60_000,
  });
  return readFile(join(folder, path), "utf8");
}

async function write(name, text) {
  const bytes = gzipSync(text, { level: 9 });
  await writeFile(new URL(`../world/schemas/${name}`, import.meta.url), bytes);
  console.log(`${name}: ${text.length} -> ${bytes.length} bytes`);
}

function cutDown(description) {
  const at = (ref) =>
    ref
      .slice(2)
      .split("/")
      .reduce((node, key) => node[key.replaceAll("~1", "/").replaceAll("~0", "~")], description);
  const direct = (node) => (node?.$ref === undefined ? node : at(node.$ref));
  const operations = [];
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (!OPERATIONS.includes(operation.operationId)) continue;
      const responses = {};
      for (const [status, response] of Object.entries(operation.responses)) {
        const schema = direct(response).content?.["application/json"]?.schema;
        if (status.startsWith("2") && schema !== undefined) responses[status] = asJsonSchema(schema);
      }
      const body = direct(operation.requestBody)?.content?.["application/json"]?.schema;
      operations.push({
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        parameters: (operation.parameters ?? []).map(direct).map(({ name, in: where, required, schema }) => ({
          name,
          in: where,
          required: required === true,
          schema: asJsonSchema(schema),
        })),
        body: body === undefined ? null : asJsonSchema(body),
        bodyRequired: direct(operation.requestBody)?.required === true,
        responses,
      });
    }
  }
  const missing = OPERATIONS.filter((id) => !operations.some((operation) => operation.id === id));
  if (missing.length > 0) throw new Error(`not in ${OPENAPI}: ${missing.join(", ")}`);
  const webhooks = {};
  for (const event of EVENTS) {
    const schema = description["x-webhooks"][event]?.post.requestBody.content["application/json"].schema;
    if (schema === undefined) throw new Error(`not in ${OPENAPI}: webhook ${event}`);
    webhooks[event] = asJsonSchema(schema);
  }
  const schemas = {};
  const follow = (node) => {
    if (Array.isArray(node)) for (const item of node) follow(item);
    if (node === null || typeof node !== "object" || Array.isArray(node)) return;
    if (typeof node.$ref === "string") {
      const name = node.$ref.split("/").at(-1);
      if (schemas[name] === undefined) {
        schemas[name] = asJsonSchema(at(node.$ref));
        follow(schemas[name]);
      }
    }
    for (const value of Object.values(node)) follow(value);
  };
  follow([operations, webhooks]);
  return { source: OPENAPI, operations, webhooks, components: { schemas } };
}

// OpenAPI 3.0 says `nullable: true`; JSON Schema says it with types, and nothing may stand beside `$ref`.
function asJsonSchema(schema) {
  if (Array.isArray(schema)) return schema.map(asJsonSchema);
  if (schema === null || typeof schema !== "object") return schema;
  const out = {};
  for (const [key, value] of Object.entries(schema)) {
    if (key === "nullable" || PROSE.has(key) || key.startsWith("x-")) continue;
    out[key] =
      key === "properties"
        ? Object.fromEntries(Object.entries(value).map(([name, property]) => [name, asJsonSchema(property)]))
        : key === "enum" || key === "default" || key === "required"
          ? value
          : asJsonSchema(value);
  }
  if (schema.nullable !== true) return out;
  if (
    typeof out.type === "string" &&
    out.allOf === undefined &&
    out.anyOf === undefined &&
    out.oneOf === undefined
  ) {
    return {
      ...out,
      type: [out.type, "null"],
      ...(out.enum === undefined ? {} : { enum: [...new Set([...out.enum, null])] }),
    };
  }
  return { anyOf: [out, { type: "null" }] };
}

function withoutProse(sdl) {
  const bare = (node) => ({ ...node, description: undefined });
  const document = visit(parse(sdl, { noLocation: true }), {
    enter(node) {
      if (node.kind === Kind.DIRECTIVE && node.name.value !== "oneOf" && node.name.value !== "deprecated")
        return null;
      return node.description === undefined ? undefined : bare(node);
    },
  });
  const text = print(document).replaceAll(/\n\s*\n/g, "\n");
  buildSchema(text, { assumeValidSDL: true });
  return text;
}
