import { z } from "zod";

/** Commits of a pull request that are asked for their checks, the newest. Each costs a connection. */
const COMMITS = 20;
/** Pull requests that were merged onto the base, the newest. */
const MERGED = 5;
/** Checks of a commit. */
const PAGE = 100;

/** Some versions of Enterprise Server do not tell the file of a workflow run; its name stands for it then. */
export const FILE = "file";

const checks = (file: string): string => `
  oid
  statusCheckRollup {
    contexts(first: ${PAGE}) {
      pageInfo { hasNextPage }
      nodes {
        __typename
        ... on CheckRun {
          name
          checkSuite { app { databaseId name } workflowRun { event ${file} workflow { name } } }
        }
        ... on StatusContext { context }
      }
    }
  }`;

const workflows = "... on Tree { entries { name object { ... on Blob { text } } } }";

/** What a pull request is known to be checked with; a point, as any call at least is. */
export function knownChecksDocument(hasFile: boolean): string {
  const commit = checks(hasFile ? `${FILE} { path }` : "");
  return `
query KnownChecks($owner: String!, $repo: String!, $number: Int!, $base: String!, $ref: String!, $headFiles: String!, $baseFiles: String!) {
  repository(owner: $owner, name: $repo) {
    pullRequest(number: $number) { commits(last: ${COMMITS}) { nodes { commit { ${commit} } } } }
    pullRequests(last: ${MERGED}, states: [MERGED], baseRefName: $base) {
      nodes { commits(last: 1) { nodes { commit { ${commit} } } } }
    }
    ref(qualifiedName: $ref) { target { ... on Commit { ${commit} } } }
    headFiles: object(expression: $headFiles) { ${workflows} }
    baseFiles: object(expression: $baseFiles) { ${workflows} }
  }
}`;
}

function nodes<T extends z.ZodType>(node: T) {
  return z
    .object({ nodes: z.array(node.nullable()).nullish() })
    .nullish()
    .transform((connection) =>
      (connection?.nodes ?? []).filter((entry): entry is NonNullable<typeof entry> => entry !== null),
    );
}

const WorkflowRun = z.object({
  event: z.string(),
  file: z.object({ path: z.string() }).nullish(),
  workflow: z.object({ name: z.string() }).nullish(),
});

const Context = z.union([
  z.object({
    __typename: z.literal("CheckRun"),
    name: z.string(),
    checkSuite: z.object({
      app: z
        .object({ databaseId: z.union([z.number(), z.string()]).nullish(), name: z.string().nullish() })
        .nullish(),
      workflowRun: WorkflowRun.nullish(),
    }),
  }),
  z.object({ __typename: z.literal("StatusContext"), context: z.string() }),
]);
export type KnownContext = z.infer<typeof Context>;

const Commit = z
  .object({
    oid: z.string(),
    statusCheckRollup: z
      .object({
        contexts: z.object({
          pageInfo: z.object({ hasNextPage: z.boolean() }),
          nodes: z
            .array(Context.nullable())
            .nullish()
            .transform((list) => (list ?? []).filter((entry): entry is KnownContext => entry !== null)),
        }),
      })
      .nullish(),
  })
  .transform(({ oid, statusCheckRollup: rollup }) => ({
    oid,
    contexts: rollup?.contexts.nodes ?? [],
    isCut: rollup?.contexts.pageInfo.hasNextPage ?? false,
  }));
export type KnownCommit = z.infer<typeof Commit>;

const Files = z
  .object({
    entries: z
      .array(z.object({ name: z.string(), object: z.object({ text: z.string().nullish() }).nullish() }))
      .nullish(),
  })
  .nullish()
  .transform(
    (tree): ReadonlyMap<string, string | null> =>
      new Map(
        (tree?.entries ?? [])
          .filter(({ name }) => /\.ya?ml$/.test(name))
          .map(({ name, object }) => [`.github/workflows/${name}`, object?.text ?? null]),
      ),
  );

const commits = nodes(z.object({ commit: Commit })).transform((list) => list.map(({ commit }) => commit));

export const KnownChecksAnswer = z.object({
  repository: z.object({
    pullRequest: z.object({ commits }).nullable(),
    pullRequests: nodes(z.object({ commits })).transform((list) => list.flatMap((pull) => pull.commits)),
    ref: z.object({ target: Commit.nullable() }).nullable(),
    headFiles: Files,
    baseFiles: Files,
  }),
});
export type KnownChecksAnswer = z.infer<typeof KnownChecksAnswer>;
