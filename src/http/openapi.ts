import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import { COMPONENTS } from "./api/components.ts";
import { object } from "./api/schema.ts";
import type { Schema } from "./api/schema.ts";
import { webhookPath } from "./webhooks/source.ts";
import type { Source } from "./webhooks/source.ts";

/** `GET /openapi.json`: made from the same schemas that the routes check requests with. */
export async function openapi(
  app: FastifyInstance,
  version: string,
  sources: readonly Source[],
  /** Those whose webhooks are taken. */
  taken: readonly Source[],
): Promise<void> {
  for (const component of COMPONENTS) app.addSchema(withSources(component, sources));
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "patchrelay",
        version,
        description:
          "Inspection and commands. Times are ISO 8601 UTC with milliseconds; what is absent is null, never missing; lists are paged.",
      },
      components: {
        securitySchemes: {
          token: { type: "http", scheme: "bearer", description: "PATCHRELAY_API_TOKEN" },
          session: { type: "apiKey", in: "cookie", name: "patchrelay_session" },
        },
      },
      security: [{}, { token: [] }, { session: [] }],
      paths: Object.fromEntries(taken.map((source) => [webhookPath(source), webhook(source.label)])),
    },
    refResolver: { buildLocalReference: (schema, _base, _fragment, index) => nameOf(schema, index) },
  });
  app.get("/openapi.json", { schema: { summary: "This document" } }, () => app.swagger());
}

/** `/ready` has a part and a time per source: which there are, is known here. */
function withSources<T extends Schema>(component: T, sources: readonly Source[]): T {
  if (component.$id !== "Ready") return component;
  const named = (schema: Schema): Schema => {
    const { additionalProperties: each, ...rest } = schema;
    if (typeof each !== "object") return schema;
    const perSource = Object.fromEntries(sources.map(({ name }) => [name, each]));
    return { ...rest, ...object({ ...schema.properties, ...perSource }) };
  };
  const properties = Object.entries(component.properties ?? {});
  return { ...component, properties: Object.fromEntries(properties.map(([key, it]) => [key, named(it)])) };
}

function nameOf(schema: { readonly $id?: unknown }, index: number): string {
  return typeof schema.$id === "string" ? schema.$id : `document-${index}`;
}

// Webhooks are answered before the router, so they are described here.
function webhook(sender: string) {
  const problem = (description: string) => ({
    description,
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  });
  return {
    post: {
      summary: `Takes a signed webhook of ${sender}`,
      security: [],
      requestBody: {
        required: true,
        content: { "application/json": { schema: { type: "object" as const } } },
      },
      responses: {
        200: {
          description: "It is on disk",
          content: { "application/json": { schema: { $ref: "#/components/schemas/WebhookAnswer" } } },
        },
        400: problem("A header is missing"),
        401: problem("The signature is missing, malformed or wrong, or the delivery is stale"),
        413: problem("Too large"),
        415: problem("Form-encoded or compressed"),
        503: problem("It cannot be stored right now"),
      },
    },
  };
}
