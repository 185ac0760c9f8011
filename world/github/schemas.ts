import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { Ajv } from "ajv";
import type { ErrorObject, ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import type { Components, Schema } from "./fill.ts";
import { filled, kindsOf, resolved } from "./fill.ts";

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly schema: Schema;
}

/** One operation of GitHub's REST description. */
interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly body: Schema | null;
  readonly bodyRequired: boolean;
  readonly responses: Readonly<Record<string, Schema>>;
}

interface Description extends Components {
  readonly operations: readonly Operation[];
  readonly webhooks: Readonly<Record<string, Schema>>;
}

/** An operation that a request was found to ask for, with its path parameters still as text. */
export interface Asked {
  readonly operation: Operation;
  readonly path: Readonly<Record<string, string>>;
}

/** A request whose parameters and body satisfy the description. */
export interface CheckedRequest {
  readonly path: Readonly<Record<string, string | number>>;
  readonly query: Readonly<Record<string, string | number | boolean>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What real GitHub would refuse, in its words. */
export class Refused extends Error {
  readonly status: number;
  readonly errors: readonly unknown[];
  constructor(status: number, message: string, errors: readonly unknown[] = []) {
    super(message);
    this.status = status;
    this.errors = errors;
  }
}

export interface Schemas {
  /** The operation for a method and a path (still percent-encoded), or null. */
  find(method: string, path: string): Asked | null;
  /** Checks and converts parameters and body. Throws Refused. */
  check(asked: Asked, query: URLSearchParams, body: unknown): CheckedRequest;
  /** `value` with every required field that the model does not keep filled with a neutral value. */
  response(operation: string, status: number, value: unknown): unknown;
  /** What is wrong with a response, or null. */
  responseFault(operation: string, status: number, value: unknown): string | null;
  /** A webhook body, filled like a response. `name` is the event, with its action after a dash. */
  webhook(name: string, value: unknown): unknown;
  /** What is wrong with a webhook body, or null. */
  webhookFault(name: string, value: unknown): string | null;
}

/** The text of one of the description files, which lie beside this folder (or beside the built bundle). */
export function schemaText(name: string): string {
  const places = ["../schemas/", "./schemas/"].map((place) => new URL(place + name, import.meta.url));
  const found = places.find((place) => existsSync(place));
  if (found === undefined)
    throw new Error(`${name} is not beside the program: run \`node scripts/schemas.mjs\` and build again`);
  return gunzipSync(readFileSync(found)).toString("utf8");
}

// These may hold slashes, encoded or not.
const WITH_SLASHES = new Set(["ref", "path", "branch", "basehead"]);

interface Loaded {
  readonly description: Description;
  readonly ajv: Ajv;
  /** Validators by pointer, made on first use. */
  readonly compiled: Map<string, ValidateFunction>;
}

let loaded: Loaded | null = null;

// Once per process: every world of a test run validates against the same description.
function load(): Loaded {
  const description = JSON.parse(schemaText("github-openapi.json.gz")) as Description;
  const ajv = new Ajv({
    strict: false,
    logger: false,
    validateSchema: false,
    inlineRefs: false,
    code: { optimize: false },
  });
  addFormats.default(ajv);
  // GitHub's own bots commit as `1+name[bot]@users.noreply.github.com`, which the strict format refuses.
  ajv.addFormat("email", /^\S+@\S+$/);
  ajv.addSchema(description, "github");
  return { description, ajv, compiled: new Map() };
}

/** Reads GitHub's REST description. `neutralUrl` stands for every URL that the model does not keep. */
export function loadSchemas(neutralUrl: string): Schemas {
  const { description, ajv, compiled } = (loaded ??= load());
  const byId = new Map(
    description.operations.map((operation, index) => [operation.id, { operation, index }]),
  );
  const routes = description.operations
    .map((operation) => ({ operation, ...pattern(operation.path) }))
    .toSorted((a, b) => b.literals - a.literals);

  const faultAt = (pointer: string, value: unknown): ErrorObject | null => {
    let validate = compiled.get(pointer);
    if (validate === undefined) {
      validate = ajv.compile({ $ref: `github#${pointer}` });
      compiled.set(pointer, validate);
    }
    return validate(value) ? null : (validate.errors?.[0] ?? null);
  };
  const tell = (fault: ErrorObject | null): string | null =>
    fault === null
      ? null
      : `${fault.instancePath || "/"} ${fault.message ?? "is wrong"} ${JSON.stringify(fault.params)}`;
  const fill = (schema: Schema, value: unknown): unknown => filled(description, neutralUrl, schema, value);

  return {
    find(method, path) {
      for (const { operation, regex, names } of routes) {
        const match = operation.method === method ? regex.exec(path) : null;
        if (match === null) continue;
        const values = names.map((name, index) => [name, decoded(match[index + 1] ?? "")] as const);
        return { operation, path: Object.fromEntries(values) };
      }
      return null;
    },
    check(asked, query, body) {
      const { operation } = asked;
      const index = byId.get(operation.id)?.index ?? 0;
      const path: Record<string, string | number> = {};
      const search: Record<string, string | number | boolean> = {};
      const known = new Set<string>();
      for (const [position, parameter] of operation.parameters.entries()) {
        if (parameter.in !== "path" && parameter.in !== "query") continue;
        known.add(parameter.name);
        const text = parameter.in === "path" ? asked.path[parameter.name] : query.get(parameter.name);
        if (text === null || text === undefined) {
          if (parameter.required) throw invalid(`"${parameter.name}" wasn't supplied.`);
          continue;
        }
        const value = typed(resolved(description, parameter.schema), text);
        const fault = faultAt(`/operations/${index}/parameters/${position}/schema`, value);
        // A path that cannot name anything is not found; a query that is invalid is refused.
        if (fault !== null && parameter.in === "path") throw new Refused(404, "Not Found");
        if (fault !== null)
          throw invalid(`For '${parameter.name}', ${JSON.stringify(value)} ${fault.message ?? "is wrong"}.`);
        (parameter.in === "path" ? path : search)[parameter.name] = value as string;
      }
      for (const name of query.keys()) {
        if (!known.has(name)) throw invalid(`"${name}" is not a permitted query parameter.`);
      }
      return {
        path,
        query: search,
        body: checkedBody(description, operation, body, (value) =>
          faultAt(`/operations/${index}/body`, value),
        ),
      };
    },
    response(id, status, value) {
      const schema = byId.get(id)?.operation.responses[String(status)];
      return schema === undefined ? value : fill(schema, value);
    },
    responseFault(id, status, value) {
      const found = byId.get(id);
      if (found?.operation.responses[String(status)] === undefined) return null;
      return tell(faultAt(`/operations/${found.index}/responses/${status}`, value));
    },
    webhook(name, value) {
      const schema = description.webhooks[name];
      if (schema === undefined)
        throw new Error(`no webhook "${name}" in the description: add it to scripts/schemas.mjs`);
      return fill(schema, value);
    },
    webhookFault: (name, value) => tell(faultAt(`/webhooks/${name}`, value)),
  };
}

function checkedBody(
  description: Description,
  operation: Operation,
  body: unknown,
  fault: (value: unknown) => ErrorObject | null,
): Readonly<Record<string, unknown>> {
  if (operation.body === null) {
    // Octokit sends `{}` or nothing where an operation takes no body.
    if (typeof body === "object" && body !== null && Object.keys(body).length > 0) {
      throw invalid(`"${Object.keys(body)[0]}" is not a permitted key.`);
    }
    return {};
  }
  if (body === undefined && operation.bodyRequired) throw invalid("A body is required.");
  const value = body ?? {};
  if (typeof value !== "object") throw new Refused(400, "Body should be a JSON object");
  const allowed = keysOf(description, operation.body);
  if (allowed !== null && !Array.isArray(value)) {
    const unknown = Object.keys(value).find((key) => !allowed.has(key));
    // GitHub's description does not forbid further fields, but a field it does not know is a mistake of ours.
    if (unknown !== undefined) throw invalid(`"${unknown}" is not a permitted key.`);
  }
  const wrong = fault(value);
  if (wrong !== null)
    throw invalid(
      `For '${wrong.instancePath.slice(1) || "body"}', ${wrong.message ?? "wrong"} ${JSON.stringify(wrong.params)}.`,
    );
  return value as Readonly<Record<string, unknown>>;
}

function invalid(sentence: string): Refused {
  return new Refused(422, `Invalid request.\n\n${sentence}`);
}

function pattern(path: string): { regex: RegExp; names: string[]; literals: number } {
  const names: string[] = [];
  const source = path.replaceAll(/\{([^}]+)\}|[.+*?()[\]\\^$|]/g, (found, name: string | undefined) => {
    if (name === undefined) return `\\${found}`;
    names.push(name);
    return WITH_SLASHES.has(name) ? "(.+)" : "([^/]+)";
  });
  return {
    regex: new RegExp(`^${source}$`),
    names,
    literals: path.split("/").filter((part) => !part.startsWith("{")).length,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Refused(400, "Bad Request: a percent sign in the path starts no encoded character");
  }
}

function typed(schema: Schema, text: string): string | number | boolean {
  const branches = [schema, ...(schema.oneOf ?? []), ...(schema.anyOf ?? [])];
  const kinds = new Set(branches.flatMap((branch) => kindsOf(branch)));
  if ((kinds.has("integer") || kinds.has("number")) && /^-?\d+$/.test(text)) return Number(text);
  if (kinds.has("boolean") && (text === "true" || text === "false")) return text === "true";
  return text;
}

/** Every key that some branch of the schema names; null when it takes any. */
function keysOf(description: Description, schema: Schema): Set<string> | null {
  const whole = resolved(description, schema);
  const keys = new Set(Object.keys(whole.properties ?? {}));
  for (const branch of [...(whole.allOf ?? []), ...(whole.anyOf ?? []), ...(whole.oneOf ?? [])]) {
    for (const key of keysOf(description, branch) ?? []) keys.add(key);
  }
  return keys.size === 0 ? null : keys;
}
