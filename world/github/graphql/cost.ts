import { Kind, OperationTypeNode } from "graphql";
import type { DocumentNode, FieldNode, FragmentDefinitionNode, SelectionSetNode, ValueNode } from "graphql";

/** What a query costs, told before it is carried out (docs.github.com, "Rate limits and node limits for the GraphQL API"). */
export interface Cost {
  /** Points of the hour's allowance. */
  readonly points: number;
  /** Requests needed to fill each connection, were every list as long as asked for. */
  readonly requests: number;
  /** Nodes that could come back. */
  readonly nodes: number;
}

/** What one call may ask for at most. */
export const MOST_NODES = 500_000;

/**
 * A connection takes one request per parent; a hundred requests are a point, rounded, and no call costs less than one.
 * A connection is known by its `first` or `last`; `nodes(ids:)` counts as that many parents.
 */
export function costOf(document: DocumentNode, variables: Readonly<Record<string, unknown>>): Cost {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  let requests = 0;
  let nodes = 0;
  const count = (set: SelectionSetNode | undefined, parents: number): void => {
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        count(fragments.get(selection.name.value)?.selectionSet, parents);
        continue;
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        count(selection.selectionSet, parents);
        continue;
      }
      const bound = numberOf(selection, ["first", "last"], variables);
      if (bound !== null) {
        requests += parents;
        nodes += parents * bound;
      }
      count(selection.selectionSet, parents * (bound ?? listOf(selection, "ids", variables)));
    }
  };
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    count(definition.selectionSet, 1);
    if (definition.operation === OperationTypeNode.MUTATION) return { points: 5, requests, nodes };
  }
  return { points: Math.max(1, Math.round(requests / 100)), requests, nodes };
}

function valueOf(value: ValueNode | undefined, variables: Readonly<Record<string, unknown>>): unknown {
  if (value === undefined) return null;
  if (value.kind === Kind.VARIABLE) return variables[value.name.value];
  if (value.kind === Kind.INT) return Number(value.value);
  return value.kind === Kind.LIST ? value.values : null;
}

function numberOf(
  field: FieldNode,
  names: readonly string[],
  variables: Readonly<Record<string, unknown>>,
): number | null {
  const given = field.arguments?.find(({ name }) => names.includes(name.value));
  const found = valueOf(given?.value, variables);
  return typeof found === "number" ? found : null;
}

function listOf(field: FieldNode, name: string, variables: Readonly<Record<string, unknown>>): number {
  const found = valueOf(field.arguments?.find((given) => given.name.value === name)?.value, variables);
  return Array.isArray(found) ? found.length : 1;
}
