import { inputError } from "../api/errors.ts";
import type { ActivityContent, ActivityType, ExternalLink, PlanItem, Signal } from "./records.ts";

/**
 * What Linear's server checks and its schema does not: shapes of activities, signals, plans, links and ids
 * (developers/agent-interaction, agent-signals; schema descriptions of SDK 98). Every refusal is an INPUT_ERROR.
 */

interface Shape {
  readonly required: readonly string[];
  readonly optional: readonly string[];
  readonly ephemeral: boolean;
}

const SHAPES: Readonly<Record<Exclude<ActivityType, "prompt">, Shape>> = {
  thought: { required: ["body"], optional: [], ephemeral: true },
  action: { required: ["action", "parameter"], optional: ["result"], ephemeral: true },
  elicitation: { required: ["body"], optional: [], ephemeral: false },
  response: { required: ["body"], optional: [], ephemeral: false },
  error: { required: ["body"], optional: [], ephemeral: false },
};

/** The content of an activity that an agent wants to make, checked. */
export function agentContent(content: unknown, ephemeral: boolean): ActivityContent {
  if (!isObject(content)) throw inputError("Argument Validation Error", "content must be an object");
  const type = content["type"];
  if (type === "prompt") throw refused("content.type prompt is for users; an agent cannot create it");
  const shape = typeof type === "string" && Object.hasOwn(SHAPES, type) ? SHAPES[type as "thought"] : null;
  if (shape === null) {
    throw refused(`content.type must be one of ${Object.keys(SHAPES).join(", ")}, not ${show(type)}`);
  }
  for (const field of shape.required) {
    const value = content[field];
    // An action without an object ("run tests") has an empty parameter.
    const filled = typeof value === "string" && (value.trim() !== "" || field === "parameter");
    if (!filled) throw refused(`content.${field} of a ${String(type)} must be a non-empty string`);
  }
  for (const [field, value] of Object.entries(content)) {
    if (field === "type" || shape.required.includes(field)) continue;
    if (!shape.optional.includes(field)) throw refused(`content.${field} is not a field of ${String(type)}`);
    if (value !== null && typeof value !== "string") throw refused(`content.${field} must be a string`);
  }
  if (ephemeral && !shape.ephemeral) throw refused(`a ${String(type)} cannot be ephemeral`);
  return content as unknown as ActivityContent;
}

/** The signal of an agent's activity and its metadata, checked against each other. */
export function agentSignal(
  type: ActivityType,
  signal: Signal | null,
  metadata: unknown,
): Readonly<Record<string, unknown>> | null {
  if (signal === null) {
    if (metadata !== null) throw refused("signalMetadata needs a signal");
    return null;
  }
  if (signal === "stop") throw refused("signal stop is for users");
  const carrier = signal === "continue" ? "response" : "elicitation";
  if (type !== carrier) throw refused(`signal ${signal} belongs on a ${carrier}, not on a ${type}`);
  if (signal === "continue") {
    if (metadata !== null) throw refused("signal continue takes no signalMetadata");
    return null;
  }
  if (!isObject(metadata)) throw refused(`signal ${signal} needs signalMetadata`);
  if (signal === "auth") checkAuth(metadata);
  else checkSelect(metadata);
  return metadata;
}

function checkAuth(metadata: Record<string, unknown>): void {
  onlyKeys(metadata, ["url", "userId", "providerName"], "signalMetadata");
  webAddress(metadata["url"], "signalMetadata.url");
  for (const key of ["userId", "providerName"]) {
    if (metadata[key] !== undefined && typeof metadata[key] !== "string") {
      throw refused(`signalMetadata.${key} must be a string`);
    }
  }
}

function checkSelect(metadata: Record<string, unknown>): void {
  onlyKeys(metadata, ["options"], "signalMetadata");
  const options = metadata["options"];
  if (!Array.isArray(options) || options.length === 0) {
    throw refused("signalMetadata.options must be a non-empty array of { value, label? }");
  }
  for (const option of options as unknown[]) {
    if (!isObject(option) || typeof option["value"] !== "string" || option["value"] === "") {
      throw refused("every option needs a value");
    }
    onlyKeys(option, ["value", "label"], "option");
    if (option["label"] !== undefined && typeof option["label"] !== "string") {
      throw refused("option.label must be a string");
    }
  }
}

const PLAN_STATUS = ["pending", "inProgress", "completed", "canceled"];

/** A plan: always the whole array; null takes it away. */
export function plan(value: unknown): readonly PlanItem[] | null {
  if (value === null) return null;
  if (!Array.isArray(value)) throw refused("plan must be an array of { content, status }");
  for (const [index, item] of (value as unknown[]).entries()) {
    if (!isObject(item)) throw refused(`plan[${index}] must be { content, status }`);
    onlyKeys(item, ["content", "status"], `plan[${index}]`);
    if (typeof item["content"] !== "string" || item["content"] === "") {
      throw refused(`plan[${index}].content must be a non-empty string`);
    }
    if (!PLAN_STATUS.includes(String(item["status"]))) {
      throw refused(`plan[${index}].status must be one of ${PLAN_STATUS.join(", ")}`);
    }
  }
  return value as PlanItem[];
}

/** A session's title: one line of 1 to 255 characters; null returns to Linear's own. */
export function summary(value: string | null): string | null {
  if (value === null) return null;
  if (value.length < 1 || value.length > 255 || /[\r\n]/.test(value)) {
    throw refused("summary must be one line of 1 to 255 characters");
  }
  return value;
}

/** The links of a session: an address may stand there once. */
export function externalLinks(links: readonly ExternalLink[]): readonly ExternalLink[] {
  const seen = new Set<string>();
  for (const link of links) {
    webAddress(link.url, "externalUrls.url");
    if (link.label === "") throw refused("externalUrls.label must not be empty");
    if (seen.has(link.url)) throw refused(`externalUrls names ${link.url} twice`);
    seen.add(link.url);
  }
  return links;
}

/** An attachment's metadata: an object whose values are strings, numbers or booleans. */
export function attachmentMetadata(value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw refused("metadata must be an object");
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry === "object" && entry !== null) throw refused(`metadata.${key} must be a plain value`);
  }
  return value;
}

/** Throws unless `value` is an http(s) address. */
export function webAddress(value: unknown, where: string): string {
  if (typeof value !== "string" || !URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    throw refused(`${where} must be an http(s) address, not ${show(value)}`);
  }
  return value;
}

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** A client-chosen id: UUID version 4, not used before. Undefined lets the server choose. */
export function clientId(
  id: string | null | undefined,
  entity: string,
  taken: (id: string) => boolean,
): string | undefined {
  if (id === null || id === undefined) return undefined;
  if (!UUID_V4.test(id)) throw refused(`id must be a UUID version 4, not ${show(id)}`);
  if (taken(id)) throw inputError(`Entity already exists: ${entity}`, `There is a ${entity} with id ${id}.`);
  return id;
}

/** An INPUT_ERROR as Linear's argument validation gives it. */
export function refused(detail: string): Error {
  return inputError(`Argument Validation Error: ${detail}`, detail);
}

function onlyKeys(value: Record<string, unknown>, known: readonly string[], where: string): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw refused(`${where}.${unknown} is not known`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "undefined";
}
