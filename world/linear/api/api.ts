import { GraphQLError, Kind, OperationTypeNode, type ExecutionResult } from "graphql";
import type { Faults } from "../../faults.ts";
import { jsonReply, type WireReply, type WireRequest } from "../../wire.ts";
import { authenticationError, inputError, rateLimited } from "./errors.ts";
import { Documents, run, type Operation } from "./graphql.ts";
import { MAX_COMPLEXITY } from "./complexity.ts";
import { limitHeaders } from "../limits.ts";
import type { Model } from "../model/model.ts";
import { View, type Caller } from "../view.ts";

/** One operation that was asked of the API, for tests that count or order writes. */
export interface ApiCall {
  /** Root fields, e.g. `agentActivityCreate`. */
  readonly fields: readonly string[];
  readonly kind: "query" | "mutation" | "subscription";
  readonly variables: Readonly<Record<string, unknown>>;
  /** `extensions.code` of the first error, null when there was none. */
  readonly error: string | null;
  /** Unix milliseconds. */
  readonly at: number;
}

export interface ApiParts {
  readonly model: Model;
  readonly faults: () => Faults;
  /** Who calls, by the Authorization header; null = nobody we know. */
  readonly caller: (authorization: string | undefined) => Caller | null;
  readonly called: (call: ApiCall) => void;
  /** Fields that are not in the schema for now, as `Type.field`. */
  readonly withheld: () => ReadonlySet<string>;
}

/** Answers `POST /graphql` as Linear does: authentication, limits, validation, execution, in that order. */
export function graphqlApi(parts: ApiParts): (request: WireRequest) => Promise<WireReply> {
  const documents = new Documents();
  return async (request) => {
    const caller = parts.caller(request.headers.authorization);
    if (caller === null) return refusal([authenticationError()]);
    const { allowance } = caller;
    const asked = askedOf(request.body);
    if (asked instanceof GraphQLError) return refusal([asked]);
    const operation = documents.read(asked.query, asked.variables, asked.operationName, parts.withheld());
    const points = "points" in operation ? operation.points : 0;
    const inRequests = allowance.requests.take(1);
    const tooComplex = points > MAX_COMPLEXITY;
    const inComplexity = tooComplex || allowance.complexity.take(points);
    const headers = limitHeaders(allowance, points);
    if (!inRequests || !inComplexity) {
      const limit = inRequests ? "complexity" : "requests";
      return refusal([rateLimited(`The hourly limit of ${limit} is used up.`)], headers);
    }
    if (!("points" in operation)) return refusal(operation, headers);
    if (tooComplex) {
      return refusal(
        [inputError("Query too complex", `${points} points, at most ${MAX_COMPLEXITY}.`)],
        headers,
      );
    }
    const result = await run(operation, viewFor(parts, operation, caller));
    parts.called(callOf(parts.model, operation, result));
    return jsonReply(statusOf(result), shown(result), headers);
  };
}

function viewFor(parts: ApiParts, operation: Operation, caller: Caller): View {
  const staleMs =
    operation.definition.operation === OperationTypeNode.QUERY ? parts.faults().staleReadsMs : 0;
  return new View(parts.model, caller, staleMs > 0 ? parts.model.clock.now() - staleMs : null);
}

interface Asked {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly operationName: string | null;
}

function askedOf(body: Buffer): Asked | GraphQLError {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch (error) {
    return inputError("The body is not JSON", error instanceof Error ? error.message : String(error));
  }
  const { query, variables, operationName } = (value ?? {}) as Record<string, unknown>;
  if (typeof query !== "string") return inputError("The body has no query");
  return {
    query,
    variables: typeof variables === "object" && variables !== null ? (variables as Asked["variables"]) : {},
    operationName: typeof operationName === "string" ? operationName : null,
  };
}

/** The answer to a request that was not carried out. */
export function refusal(errors: readonly GraphQLError[], headers: Record<string, string> = {}): WireReply {
  const status = errors[0]?.extensions["statusCode"];
  return jsonReply(typeof status === "number" ? status : 400, { errors }, headers);
}

// Without data the status is that of the error; with partial data Linear answers 200.
function statusOf(result: ExecutionResult): number {
  const nothing = result.data === undefined || result.data === null;
  const first = result.errors?.[0];
  if (first === undefined || !nothing) return 200;
  const status = first.extensions["statusCode"];
  return typeof status === "number" ? status : 400;
}

// What graphql itself refuses (a wrong variable) carries no extensions; Linear's answer does.
function shown(result: ExecutionResult): unknown {
  const errors = result.errors?.map((error) =>
    error.extensions["code"] === undefined
      ? { ...error.toJSON(), extensions: inputError(error.message).extensions }
      : error,
  );
  return {
    ...(result.data === undefined ? {} : { data: result.data }),
    ...(errors === undefined ? {} : { errors }),
  };
}

function callOf(model: Model, operation: Operation, result: ExecutionResult): ApiCall {
  const first = result.errors?.[0];
  const code = first?.extensions["code"] ?? "INPUT_ERROR";
  return {
    fields: operation.definition.selectionSet.selections
      .map((selection) => (selection.kind === Kind.FIELD ? selection.name.value : ""))
      .filter((name) => name !== ""),
    kind: operation.definition.operation,
    variables: operation.variables,
    error: first === undefined ? null : typeof code === "string" ? code : "UNKNOWN",
    at: model.clock.now(),
  };
}
