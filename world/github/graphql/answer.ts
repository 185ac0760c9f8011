import {
  buildSchema,
  execute,
  getNamedType,
  GraphQLError,
  isNonNullType,
  Kind,
  OperationTypeNode,
  isObjectType,
  parse,
  validate,
} from "graphql";
import type { DocumentNode, GraphQLFieldResolver, GraphQLSchema } from "graphql";
import { messageOf } from "../../../src/lib/assert.ts";
import type { Actor } from "../auth.ts";
import { permissionOf, stamp } from "../model/model.ts";
import { Refused, schemaText } from "../schemas.ts";
import { actorNode } from "./commits.ts";
import type { View } from "./commits.ts";
import { costOf, MOST_NODES } from "./cost.ts";
import type { Cost } from "./cost.ts";
import { mutationsFor } from "./mutations.ts";
import { pullNode, pullThreadNode, repositoryNode, viewerPermission } from "./pulls.ts";

export interface GraphqlRequest {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly operationName: string | null;
}

/** What the query costs and what is left of the caller's points, for `rateLimit`. */
export interface Points {
  readonly cost: Cost;
  readonly limit: number;
  readonly remaining: number;
  /** Unix milliseconds. */
  readonly resetAt: number;
}

type Node = Record<string, unknown>;

let built: GraphQLSchema | null = null;

// The schema is large: it is built once per process, when the first query comes.
function schema(): GraphQLSchema {
  built ??= buildSchema(schemaText("github.graphql.gz"), { assumeValidSDL: true });
  return built;
}

/** Whether the request changes something (a mutation costs more, and is never read stale). */
export function isMutation(request: GraphqlRequest): boolean {
  try {
    const { definitions } = parse(request.query);
    return definitions.some(
      (definition) =>
        definition.kind === Kind.OPERATION_DEFINITION && definition.operation === OperationTypeNode.MUTATION,
    );
  } catch {
    return false;
  }
}

/** What a request is charged; one that cannot be understood costs what the least does. */
export function priceOf(request: GraphqlRequest): Cost {
  try {
    return costOf(parse(request.query), request.variables);
  } catch {
    return { points: 1, requests: 0, nodes: 0 };
  }
}

/** Validates against GitHub's real schema and executes on the model. The answer is always HTTP 200. */
export async function answerGraphql(
  view: View,
  actor: Actor,
  points: Points,
  request: GraphqlRequest,
): Promise<unknown> {
  let document: DocumentNode;
  try {
    document = parse(request.query);
  } catch (error) {
    return { errors: [{ message: messageOf(error) }] };
  }
  const faults = validate(schema(), document);
  if (faults.length > 0) return { errors: faults.map((fault) => told(fault)) };
  const { nodes } = points.cost;
  if (nodes > MOST_NODES) {
    const message = `This query requests up to ${nodes} possible nodes which exceeds the maximum limit of 500,000.`;
    return { data: null, errors: [{ type: "MAX_NODE_LIMIT_EXCEEDED", message }] };
  }
  const result = await execute({
    schema: schema(),
    document,
    rootValue: rootFor(view, actor, points),
    variableValues: request.variables,
    operationName: request.operationName,
    fieldResolver: resolveField,
    typeResolver: (value) => String((value as Node)["__typename"]),
  });
  return {
    data: result.data ?? null,
    ...(result.errors === undefined ? {} : { errors: result.errors.map((error) => told(error)) }),
  };
}

/** GitHub writes the kind of an error beside its message. */
function told(error: GraphQLError): unknown {
  const cause = error.originalError;
  const type = cause instanceof Refused ? typeOf(cause.status) : error.extensions["type"];
  return {
    ...(typeof type === "string" ? { type } : {}),
    ...(error.path === undefined ? {} : { path: error.path }),
    locations: error.locations ?? [],
    message: error.message,
  };
}

function typeOf(status: number): string {
  if (status === 404) return "NOT_FOUND";
  return status === 403 ? "FORBIDDEN" : "UNPROCESSABLE";
}

const resolveField: GraphQLFieldResolver<unknown, unknown> = (source, given, context, info) => {
  const field = info.parentType.getFields()[info.fieldName];
  const named = getNamedType(info.returnType);
  if (
    isObjectType(named) &&
    named.name.endsWith("Connection") &&
    field?.args.some((argument) => argument.name === "first") === true
  ) {
    checkBounds(given as Record<string, unknown>, info.fieldName);
  }
  const value = (source as Node)[info.fieldName];
  if (typeof value === "function")
    return (value as (given: unknown, context: unknown) => unknown)(given, context);
  if (value !== undefined) return value;
  if (!isNonNullType(info.returnType)) return null;
  throw new Error(`the stand-in does not model ${info.parentType.name}.${info.fieldName}`);
};

// `nodes(ids:)` takes no more.
const MOST_IDS = 100;

// GitHub wants a bound on every list, from 1 to 100.
function checkBounds(given: Record<string, unknown>, name: string): void {
  const bound = given["first"] ?? given["last"];
  if (typeof bound !== "number") {
    const message = `You must provide a \`first\` or \`last\` value to properly paginate the \`${name}\` connection.`;
    throw new GraphQLError(message, { extensions: { type: "MISSING_PAGINATION_BOUNDARIES" } });
  }
  if (bound < 1 || bound > 100) {
    const message = `Requesting ${bound} records on the \`${name}\` connection exceeds the \`first\` limit of 100 records.`;
    throw new GraphQLError(message, { extensions: { type: "EXCESSIVE_PAGINATION" } });
  }
}

function rootFor(view: View, actor: Actor, points: Points): Node {
  const visible = [...view.core.repositories.values()].filter(
    (repository) => permissionOf(repository, actor.person) !== "none",
  );
  const nodeOf = (id: string): Node => {
    for (const repository of visible) {
      if (repository.nodeId === id) return repositoryNode(view, repository);
      for (const pull of repository.pulls.values()) {
        if (pull.nodeId === id) return pullNode(view, repository, pull);
        const thread = pull.threads.find((candidate) => candidate.nodeId === id);
        if (thread !== undefined) return pullThreadNode(view, repository, pull, thread);
      }
    }
    throw new Refused(404, `Could not resolve to a node with the global id of '${id}'`);
  };
  return {
    viewer: () => ({ ...actorNode(view, actor.person), __typename: "User", login: actor.person.login }),
    rateLimit: () => ({
      cost: points.cost.points,
      limit: points.limit,
      remaining: points.remaining,
      used: points.limit - points.remaining,
      nodeCount: points.cost.nodes,
      resetAt: stamp(points.resetAt),
    }),
    repository: ({ owner, name }: { owner: string; name: string }) => {
      const wanted = `${owner}/${name}`.toLowerCase();
      const repository = visible.find((candidate) => candidate.fullName.toLowerCase() === wanted);
      if (repository === undefined)
        throw new Refused(404, `Could not resolve to a Repository with the name '${owner}/${name}'.`);
      return {
        ...repositoryNode(view, repository),
        viewerPermission: viewerPermission(repository, actor.person),
      };
    },
    node: ({ id }: { id: string }) => nodeOf(id),
    nodes({ ids }: { ids: readonly string[] }) {
      if (ids.length > MOST_IDS)
        throw new GraphQLError(
          `You may not provide more than ${MOST_IDS} node ids; you provided ${ids.length}.`,
          { extensions: { type: "ARGUMENT_LIMIT" } },
        );
      return ids.map(async (id) => nodeOf(id));
    },
    ...mutationsFor(view, actor),
  };
}
