import { Ajv } from "ajv";
import type { ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import type { FastifySchemaCompiler } from "fastify";
import { Problem } from "../problem.ts";
import { COMPONENTS } from "./components.ts";
import type { Schema } from "./schema.ts";

/** Where a value of a request was, in words for the person who sent it. */
const PLACES: Readonly<Record<string, string>> = {
  body: "the body's",
  querystring: "the query's",
  params: "the path's",
  headers: "the header",
};

/**
 * Checks requests against the routes' schemas. A query is text, so numbers are read from it; a body is taken as it is.
 * What either holds beyond its schema is refused rather than dropped in silence.
 */
export function createValidator(): FastifySchemaCompiler<Schema> {
  const strict = ajv(false);
  const lenient = ajv(true);
  return ({ schema, httpPart }) => {
    const place = PLACES[httpPart ?? ""] ?? "the";
    const validate = (httpPart === "body" ? strict : lenient).compile(schema);
    return (value: unknown) => (validate(value) ? true : { error: badValue(place, validate) });
  };
}

function ajv(coerceTypes: boolean): Ajv {
  const made = new Ajv({ coerceTypes, useDefaults: true, strict: false, allErrors: false });
  addFormats.default(made);
  made.addSchema([...COMPONENTS]);
  return made;
}

function badValue(place: string, validate: ValidateFunction): Problem {
  const error = validate.errors?.[0];
  const name = (error?.instancePath ?? "").slice(1).replaceAll("/", ".");
  const allowed = (error?.params as { allowedValues?: readonly string[] } | undefined)?.allowedValues;
  const extra = (error?.params as { additionalProperty?: string } | undefined)?.additionalProperty;
  const what =
    extra === undefined
      ? (error?.message ?? "is not valid")
      : `has an unknown field ${JSON.stringify(extra)}`;
  const where = name === "" ? place.replace(/'s$/, "") : `${place} ${name}`;
  const fields = Object.keys((validate.schema as Schema).properties ?? {});
  const known = allowed ?? (extra === undefined || name !== "" ? undefined : fields);
  return new Problem(
    400,
    "bad_value",
    `${where} ${what}`,
    known === undefined ? {} : { hint: `one of: ${known.join(", ")}` },
  );
}
