/** A JSON Schema, as far as the API uses it. Validation, OpenAPI and the tests read the same objects. */
export interface Schema {
  readonly $id?: string;
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly (string | boolean | null)[];
  readonly const?: string | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly default?: number | string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** Every property is there in every answer; more may come with a later version. */
export function object(properties: Readonly<Record<string, Schema>>): Schema {
  return { type: "object", properties, required: Object.keys(properties) };
}

export function oneOf(values: readonly string[]): Schema {
  return { type: "string", enum: values };
}

export function reference(id: string): Schema {
  return { $ref: `${id}#` };
}

/** One page of a list. */
export function page(id: string): Schema {
  return object({
    items: { type: "array", items: reference(id) },
    nextCursor: {
      type: ["string", "null"],
      description: "Pass it as cursor to get the next page; null: this is the last one.",
    },
  });
}
