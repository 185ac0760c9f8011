import {
  execute,
  getOperationAST,
  GraphQLError,
  isNonNullType,
  parse,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLFieldResolver,
  type OperationDefinitionNode,
} from "graphql";
import { ANSWERS } from "./answers/answers.ts";
import { complexity } from "./complexity.ts";
import { CONSTANTS } from "./constants.ts";
import type { Args } from "./answers/fields.ts";
import { linearError, notModelled } from "./errors.ts";
import { MUTATIONS } from "./mutations/mutations.ts";
import { QUERIES } from "./answers/queries.ts";
import { checkPermission } from "./permissions.ts";
import { linearSchema } from "./schema.ts";
import type { View } from "../view.ts";

/** An operation that parses and validates against Linear's schema, with what it costs. */
export interface Operation {
  readonly document: DocumentNode;
  readonly definition: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly points: number;
}

// The relay sends the same few documents again and again.
const KEPT_DOCUMENTS = 500;

/** Parses and validates documents, remembering the ones seen. */
export class Documents {
  readonly #known = new Map<string, DocumentNode | readonly GraphQLError[]>();

  /** The operation, or what is wrong with it. */
  read(
    query: string,
    variables: Readonly<Record<string, unknown>>,
    operationName: string | null,
    /** Fields that Linear has taken out of its schema, as `Type.field`. */
    withheld: ReadonlySet<string> = new Set(),
  ): Operation | readonly GraphQLError[] {
    const document = this.#document(query);
    if (!("kind" in document)) return document;
    const gone = fieldsGone(document, withheld);
    if (gone.length > 0) return gone;
    const definition = getOperationAST(document, operationName);
    if (definition === null || definition === undefined) {
      return [invalidDocument(new GraphQLError("Must provide the name of one operation in the document."))];
    }
    return {
      document,
      definition,
      variables,
      points: complexity(linearSchema(), document, definition, variables),
    };
  }

  #document(query: string): DocumentNode | readonly GraphQLError[] {
    const known = this.#known.get(query);
    if (known !== undefined) return known;
    const read = parsed(query);
    if (this.#known.size >= KEPT_DOCUMENTS) this.#known.clear();
    this.#known.set(query, read);
    return read;
  }
}

function parsed(query: string): DocumentNode | readonly GraphQLError[] {
  try {
    const document = parse(query);
    const faults = validate(linearSchema(), document);
    return faults.length === 0 ? document : faults.map(invalidDocument);
  } catch (error) {
    if (error instanceof GraphQLError) return [invalidDocument(error)];
    throw error;
  }
}

// What a schema without these fields says of a document that asks for them.
function fieldsGone(document: DocumentNode, withheld: ReadonlySet<string>): readonly GraphQLError[] {
  if (withheld.size === 0) return [];
  const types = new TypeInfo(linearSchema());
  const gone: GraphQLError[] = [];
  visit(
    document,
    visitWithTypeInfo(types, {
      Field(node) {
        const parent = types.getParentType()?.name ?? "";
        if (!withheld.has(`${parent}.${node.name.value}`)) return;
        const message = `Cannot query field "${node.name.value}" on type "${parent}".`;
        gone.push(invalidDocument(new GraphQLError(message, { nodes: node })));
      },
    }),
  );
  return gone;
}

function invalidDocument(error: GraphQLError): GraphQLError {
  const shaped = linearError(error.message, {
    type: "graphql error",
    code: "GRAPHQL_VALIDATION_FAILED",
    statusCode: 400,
  });
  return new GraphQLError(error.message, {
    extensions: shaped.extensions,
    ...(error.nodes === undefined ? {} : { nodes: error.nodes }),
  });
}

/** Carries out an operation on a view of the model. Wrong variables come back as errors without data. */
export async function run(operation: Operation, view: View): Promise<ExecutionResult> {
  return execute({
    schema: linearSchema(),
    document: operation.document,
    rootValue: {},
    contextValue: view,
    variableValues: operation.variables,
    operationName: operation.definition.name?.value ?? null,
    fieldResolver: field,
  });
}

const field: GraphQLFieldResolver<unknown, View, Args> = (source, args, view, info) => {
  const { parentType, fieldName, returnType } = info;
  const root = parentType.name === "Query" ? QUERIES : parentType.name === "Mutation" ? MUTATIONS : null;
  if (root !== null) {
    const answer = root[fieldName];
    if (answer === undefined) throw notModelled(`${parentType.name}.${fieldName}`);
    if (root === MUTATIONS) checkPermission(view, fieldName);
    return answer(view, args);
  }
  const answer = ANSWERS[parentType.name]?.[fieldName];
  if (answer !== undefined) return answer(source as never, view, args);
  if (typeof source === "object" && source !== null && Object.hasOwn(source, fieldName)) {
    return (source as Record<string, unknown>)[fieldName];
  }
  const constant = CONSTANTS[parentType.name]?.[fieldName];
  if (constant !== undefined) return constant;
  if (isNonNullType(returnType)) throw notModelled(`${parentType.name}.${fieldName}`);
  return null;
};
