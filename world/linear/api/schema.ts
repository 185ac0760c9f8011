import { brotliDecompressSync } from "node:zlib";
import {
  buildSchema,
  GraphQLError,
  isScalarType,
  valueFromASTUntyped,
  type GraphQLSchema,
  type ValueNode,
} from "graphql";
import { LINEAR_98_SDL } from "../../schemas/linear-98.ts";

interface ScalarRule {
  readonly serialize?: (value: unknown) => unknown;
  readonly parse?: (value: unknown) => unknown;
}

const DURATION = /^[+-]?P(?=\d|T\d)[\dYMWDTHS.]+$/;

function time(value: unknown): number {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) throw new GraphQLError(`Value ${JSON.stringify(value)} is not a valid date-time.`);
  return at;
}

// What each scalar carries, as the API does it: JSON as text, JSONObject embedded, times as ISO 8601.
const SCALARS: Readonly<Record<string, ScalarRule>> = {
  JSON: {
    serialize: (value) => (typeof value === "string" ? value : JSON.stringify(value)),
  },
  JSONObject: {
    // `AgentSessionUpdateInput.plan` is a JSONObject and takes an array, so an array passes here.
    parse: (value) => {
      if (typeof value !== "object" || value === null) throw new GraphQLError("Expected a JSON object.");
      return value;
    },
  },
  DateTime: {
    serialize: (value) => (typeof value === "number" ? new Date(value).toISOString() : value),
    parse: time,
  },
  DateTimeOrDuration: {
    parse: (value) => (typeof value === "string" && DURATION.test(value) ? value : time(value)),
  },
  TimelessDate: {
    parse: (value) => {
      if (typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value)) return value;
      throw new GraphQLError(`Value ${JSON.stringify(value)} is not a date (YYYY-MM-DD).`);
    },
  },
};

let built: GraphQLSchema | null = null;

/** Linear's GraphQL schema as of SDK 98, with executable scalars. Built once per process (about 300 ms). */
export function linearSchema(): GraphQLSchema {
  if (built !== null) return built;
  const sdl = brotliDecompressSync(Buffer.from(LINEAR_98_SDL, "base64")).toString("utf8");
  const schema = buildSchema(sdl, { assumeValid: true, assumeValidSDL: true });
  for (const [name, rule] of Object.entries(SCALARS)) {
    const type = schema.getType(name);
    if (!isScalarType(type)) throw new Error(`the schema has no scalar ${name}`);
    if (rule.serialize !== undefined) type.serialize = rule.serialize;
    const parse = rule.parse;
    if (parse !== undefined) {
      type.parseValue = parse;
      type.parseLiteral = (node: ValueNode, variables) => parse(valueFromASTUntyped(node, variables));
    }
  }
  built = schema;
  return schema;
}
