import { z } from "zod";
import { documents } from "../../engines/documents.ts";
import type { Schema } from "./schema.ts";

/** What only HTTP answers, by its name in the OpenAPI document. */
const answers = z.registry<{ readonly id: string }>();

const ProblemDocument = z
  .object({
    type: z.string().describe("Stable code of the problem, as a URN."),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    hint: z.string().describe("What to do about it, where there is something.").exactOptional(),
  })
  .describe("An error (RFC 9457).")
  .register(answers, { id: "Problem" });
/** RFC 9457. No stack, no SQL, no path, no secret ever gets in. */
export type ProblemDocument = Readonly<z.infer<typeof ProblemDocument>>;

z.object({
  ok: z.literal(true),
  accepted: z.boolean().exactOptional(),
  duplicate: z.boolean().exactOptional(),
})
  .describe("The delivery is on disk.")
  .register(answers, { id: "WebhookAnswer" });

z.object({ accepted: z.literal(true), seq: z.int().nullable() })
  .describe("The command is durable. seq is its line in the journal; null = it leaves none.")
  .register(answers, { id: "Accepted" });

/** The components of the OpenAPI document, each with its name as `$id`: the documents, and what only HTTP answers. */
export const COMPONENTS: readonly (Schema & { readonly $id: string })[] = [answers, documents].flatMap(
  (registry) => {
    const { schemas } = z.toJSONSchema(registry, {
      // A document says nothing against fields that a later version adds.
      io: "input",
      uri: (id) => `${id}#`,
      override: ({ jsonSchema }) => withoutLanguage(jsonSchema),
    });
    return Object.entries(schemas).map(([$id, schema]) => {
      const { $schema: _dialect, ...rest } = schema;
      return { ...(rest as Schema), $id };
    });
  },
);

/** Drops what is true of every document: how far JavaScript counts, and that names of fields are text. */
function withoutLanguage(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  delete schema.propertyNames;
}
