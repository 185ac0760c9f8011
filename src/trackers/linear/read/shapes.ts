import { z } from "zod";
import { id, maybe, name, prose, time } from "../events/schema.ts";

/** Somebody, and how an answer is asked for who. */
export const user = z.object({ id, name, app: z.boolean() });
export const USER = "{ id name app }";

/** How many of each list one read of an issue asks for; newest first, so what is cut is the oldest. */
export const LISTED = {
  history: 50,
  sessions: 8,
  prompts: 25,
  replies: 20,
  relations: 50,
  labels: 50,
  page: 50,
} as const;

/** How a page of a list goes on. */
export const pageEnd = z.object({ hasNextPage: z.boolean(), endCursor: maybe(z.string()) });

const another = z.object({
  identifier: name,
  trashed: maybe(z.boolean()),
  state: z.object({ type: z.string() }),
});
const ANOTHER = "{ identifier trashed state { type } }";

/** What every reading of an issue asks for, whoever reads it. */
export const issueAnswer = z.object({
  id,
  identifier: name,
  title: name,
  description: maybe(prose),
  url: name,
  createdAt: time,
  updatedAt: time,
  archivedAt: maybe(time),
  completedAt: maybe(time),
  canceledAt: maybe(time),
  trashed: maybe(z.boolean()),
  creator: maybe(z.object({ id })),
  state: z.object({ id, name, type: z.string() }),
  team: z.object({ key: name }),
  project: maybe(z.object({ name })),
  labels: z.object({ nodes: z.array(z.object({ name })) }),
  children: z.object({ nodes: z.array(another) }),
  inverseRelations: z.object({
    nodes: z.array(
      z.object({
        type: z.string(),
        issue: another,
      }),
    ),
  }),
});
export type IssueAnswer = z.output<typeof issueAnswer>;

/** The fields of `issueAnswer`, but for who wrote it. */
export const ISSUE_FIELDS = `
    id identifier title description url createdAt updatedAt archivedAt completedAt canceledAt trashed
    state { id name type }
    team { key }
    project { name }
    labels(first: ${LISTED.labels}) { nodes { name } }
    children(first: ${LISTED.relations}) { nodes ${ANOTHER} }
    inverseRelations(first: ${LISTED.relations}) { nodes { type issue ${ANOTHER} } }`;
