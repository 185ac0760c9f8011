import {
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";
import { DEFAULT_PAGE } from "./answers/page.ts";

/** One operation may cost at most this many points (developers/rate-limiting). */
export const MAX_COMPLEXITY = 10_000;

/**
 * Points of an operation as Linear counts them: 0.1 per scalar, 1 per object, a connection's contents times its
 * `first` (default 50), rounded up. Expects a document that validates.
 */
export function complexity(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): number {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }

  const ofSet = (type: GraphQLNamedType, set: SelectionSetNode): number => {
    let points = 0;
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) points += ofField(type, selection);
      else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const on =
          selection.typeCondition === undefined ? type : schema.getType(selection.typeCondition.name.value);
        if (on !== undefined) points += ofSet(on, selection.selectionSet);
      } else {
        const fragment = fragments.get(selection.name.value);
        const on = fragment === undefined ? undefined : schema.getType(fragment.typeCondition.name.value);
        if (fragment !== undefined && on !== undefined) points += ofSet(on, fragment.selectionSet);
      }
    }
    return points;
  };

  const ofField = (parent: GraphQLNamedType, field: FieldNode): number => {
    const definition =
      isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[field.name.value] : undefined;
    if (definition === undefined) return 0;
    const type = getNamedType(definition.type);
    if (!isCompositeType(type) || field.selectionSet === undefined) return 0.1;
    const inside = ofSet(type, field.selectionSet);
    return type.name.endsWith("Connection") ? 1 + pageSize(field, variables) * inside : 1 + inside;
  };

  const root = schema.getRootType(operation.operation);
  return root === undefined || root === null ? 0 : Math.ceil(ofSet(root, operation.selectionSet));
}

function pageSize(field: FieldNode, variables: Readonly<Record<string, unknown>>): number {
  for (const argument of field.arguments ?? []) {
    if (argument.name.value !== "first" && argument.name.value !== "last") continue;
    if (argument.value.kind === Kind.INT) return Number(argument.value.value);
    const given = argument.value.kind === Kind.VARIABLE ? variables[argument.value.name.value] : undefined;
    if (typeof given === "number") return given;
  }
  return DEFAULT_PAGE;
}
