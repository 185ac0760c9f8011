import * as z from "zod";

/** One setting: what it may be and what it is when nobody says. The schema's description is its documentation. */
export interface Field<S extends z.ZodType = z.ZodType> {
  readonly schema: S;
  readonly fallback: z.input<S>;
}
export type Fields = Readonly<Record<string, Field>>;

/** Makes a field; `description` says what it does and is shown by editors from the JSON Schema. */
export function field<S extends z.ZodType>(schema: S, fallback: z.input<S>, description: string): Field<S> {
  return { schema: schema.describe(description), fallback };
}

/** The global form of a group: every key has its default. Unknown keys are errors. */
export function withDefaults<F extends Fields>(fields: F) {
  const shape = Object.fromEntries(
    Object.entries(fields).map(([key, { schema, fallback }]) => [
      key,
      described(schema.default(fallback as never), schema),
    ]),
  );
  return z.strictObject(shape as { [K in keyof F]: z.ZodDefault<F[K]["schema"]> });
}

/** A project's form of the same group: any key may be there and then overrides the global one. */
export function overrides<F extends Fields>(fields: F) {
  const shape = Object.fromEntries(
    Object.entries(fields).map(([key, { schema }]) => [key, described(schema.optional(), schema)]),
  );
  return z.strictObject(shape as { [K in keyof F]: z.ZodOptional<F[K]["schema"]> });
}

// A wrapper does not inherit the description of what it wraps.
function described<S extends z.ZodType>(wrapper: S, inner: z.ZodType): S {
  return wrapper.describe(inner.description ?? "");
}

/** A whole number between two bounds, both inclusive. */
export function whole(min: number, max: number) {
  return z.int().min(min).max(max);
}

/** A number, fractions allowed, between two bounds, both inclusive. */
export function amount(min: number, max: number) {
  return z.number().min(min).max(max);
}

/** A list of at most 100 different entries. */
export function listOf<S extends z.ZodType>(entry: S) {
  return z.array(entry).max(100);
}
