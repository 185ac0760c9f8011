/** A JSON Schema as scripts/schemas.mjs leaves it. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** Where `$ref`s point. */
export interface Components {
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** The schema itself where it is a `$ref`. */
export function resolved(description: Components, schema: Schema): Schema {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : resolved(description, description.components.schemas[name] ?? {});
}

/** The types that a schema names. */
export function kindsOf(schema: Schema): readonly string[] {
  return typeof schema.type === "string" ? [schema.type] : (schema.type ?? []);
}

/** `value` with every required field it lacks filled with a neutral value; null stays null. */
export function filled(description: Components, url: string, given: Schema, value: unknown): unknown {
  const schema = resolved(description, given);
  if (value === null) return null;
  if (value === undefined) return neutral(description, url, schema);
  if (Array.isArray(value)) {
    const { items } = arrayBranch(description, schema);
    return items === undefined ? value : value.map((item) => filled(description, url, items, item));
  }
  if (typeof value !== "object") return value;
  let result = value as Record<string, unknown>;
  for (const part of objectBranches(description, schema, result)) {
    const completed: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(result)) {
      if (item === undefined) continue;
      const property = part.properties?.[key];
      completed[key] = property === undefined ? item : filled(description, url, property, item);
    }
    for (const key of part.required ?? []) {
      completed[key] ??=
        completed[key] === null ? null : neutral(description, url, part.properties?.[key] ?? {});
    }
    result = completed;
  }
  return result;
}

function arrayBranch(description: Components, schema: Schema): Schema {
  const branches = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].map((branch) =>
    resolved(description, branch),
  );
  return branches.find((branch) => branch.items !== undefined) ?? {};
}

/** The schemas that apply to an object: itself, all of `allOf`, and the branch that knows most of its keys. */
function objectBranches(description: Components, schema: Schema, value: Record<string, unknown>): Schema[] {
  const own = schema.properties === undefined && schema.required === undefined ? [] : [schema];
  const all = (schema.allOf ?? []).flatMap((part) =>
    objectBranches(description, resolved(description, part), value),
  );
  const choices = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].map((choice) =>
    resolved(description, choice),
  );
  let best: Schema[] = [];
  let bestScore = -1;
  for (const choice of choices) {
    const parts = objectBranches(description, choice, value);
    const score = parts.reduce((sum, part) => sum + matching(part, value), 0);
    if (parts.length > 0 && score > bestScore) {
      best = parts;
      bestScore = score;
    }
  }
  return [...own, ...all, ...best];
}

function matching(schema: Schema, value: Record<string, unknown>): number {
  return Object.entries(value).filter(([key, item]) => {
    const property = schema.properties?.[key];
    return property !== undefined && (property.enum === undefined || property.enum.includes(item));
  }).length;
}

function neutral(description: Components, url: string, given: Schema): unknown {
  const schema = resolved(description, given);
  const kinds = kindsOf(schema);
  const choices = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].map((choice) =>
    resolved(description, choice),
  );
  if (kinds.includes("null") || choices.some((choice) => kindsOf(choice).includes("null"))) return null;
  if (schema.enum !== undefined) return schema.enum[0];
  if (choices.length > 0 && schema.properties === undefined)
    return neutral(description, url, choices[0] ?? {});
  switch (kinds[0] ?? "object") {
    case "string":
      return neutralText(schema.format, url);
    case "integer":
    case "number":
      return schema.minimum ?? 0;
    case "boolean":
      return false;
    case "array":
      return [];
    default:
      return filled(description, url, schema, {});
  }
}

function neutralText(format: string | undefined, url: string): string {
  if (format === "uri" || format === "url") return url;
  if (format === "date-time") return "1970-01-01T00:00:00Z";
  if (format === "email") return "noreply@example.com";
  return "";
}
