import {
  getNullableType,
  isEnumType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  isUnionType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from "graphql";

/**
 * What is wrong with a webhook's body compared with a `*WebhookPayload` type of Linear's schema: missing or null
 * required fields, unknown fields, wrong kinds. Empty when it fits. `types` fixes the member of a union by path
 * (`data`), where the schema alone leaves it open.
 */
export function payloadFaults(
  schema: GraphQLSchema,
  typeName: string,
  payload: unknown,
  types: Readonly<Record<string, string>> | undefined = {},
): string[] {
  const type = schema.getType(typeName);
  if (!isObjectType(type)) return [`the schema has no payload type ${typeName}`];
  return faultsOf(schema, type, payload, "", types);
}

function faultsOf(
  schema: GraphQLSchema,
  type: GraphQLOutputType,
  value: unknown,
  path: string,
  types: Readonly<Record<string, string>>,
): string[] {
  if (value === null || value === undefined) {
    return isNonNullType(type) ? [`${path} is required (${String(type)})`] : [];
  }
  const inner = getNullableType(type);
  if (isListType(inner)) {
    if (!Array.isArray(value)) return [`${path} must be a list`];
    return (value as unknown[]).flatMap((item, index) =>
      faultsOf(schema, inner.ofType, item, `${path}[${index}]`, types),
    );
  }
  if (isUnionType(inner)) {
    const fixed = types[path];
    if (fixed !== undefined) {
      const member = schema.getType(fixed);
      return isObjectType(member)
        ? faultsOf(schema, member, value, path, types)
        : [`${path} has no type ${fixed}`];
    }
    const tried = inner.getTypes().map((member) => faultsOf(schema, member, value, path, types));
    return tried.some((faults) => faults.length === 0) ? [] : [`${path} fits no member of ${inner.name}`];
  }
  if (isObjectType(inner)) {
    if (typeof value !== "object" || Array.isArray(value)) return [`${path} must be an object`];
    const fields = inner.getFields();
    const here = (name: string): string => (path === "" ? name : `${path}.${name}`);
    const unknown = Object.keys(value).filter((key) => !Object.hasOwn(fields, key));
    return [
      ...unknown.map((key) => `${here(key)} is not a field of ${inner.name}`),
      ...Object.values(fields).flatMap((field) =>
        faultsOf(schema, field.type, (value as Record<string, unknown>)[field.name], here(field.name), types),
      ),
    ];
  }
  if (isEnumType(inner)) {
    const known = typeof value === "string" && inner.getValue(value) !== undefined;
    return !known ? [`${path} is not a value of ${inner.name}`] : [];
  }
  return isScalarType(inner) && !scalarFits(inner.name, value)
    ? [`${path} must be ${inner.name}, not ${JSON.stringify(value)}`]
    : [];
}

function scalarFits(name: string, value: unknown): boolean {
  switch (name) {
    case "Float":
    case "Int":
      return typeof value === "number" && Number.isFinite(value);
    case "Boolean":
      return typeof value === "boolean";
    case "JSONObject":
      return typeof value === "object" && !Array.isArray(value);
    case "DateTime":
      return typeof value === "string" && !Number.isNaN(Date.parse(value));
    default:
      return typeof value === "string";
  }
}
