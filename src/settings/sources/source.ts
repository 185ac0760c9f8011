import type * as z from "zod";
import type { Secret } from "../../lib/secrets/secret.ts";
import type { Form } from "../credentials/forms.ts";
import type { Problem } from "../load/problem.ts";

/** A credential that something cannot do without. */
export interface Missing {
  /** The variable, or alternatives joined by "or". */
  readonly name: string;
  readonly purpose: string;
  /** Where to get it. */
  readonly source: string;
}

/** What was read, by the variables' names; null is missing. */
export type Given = Readonly<Record<string, Secret | null>>;

/** The credentials of a source. */
export interface SourceCredentials {
  /** The form that each must have, by the name that an operator sets. */
  readonly forms: Readonly<Record<string, Form>>;
  /** Those of them that are no secrets: ids that stand in public places. */
  readonly open: readonly string[];
  /** Tells its webhooks from forged ones; `serve` does not start without it. */
  readonly webhookSecret: Missing;
  /** What is missing for calling it; empty = nothing. */
  readonly missing: (credentials: Given) => readonly Missing[];
  /** Those that are set and not used, since another wins. */
  readonly unused: (credentials: Given) => readonly { readonly name: string; readonly winner: string }[];
}

/** Which issues go to a project; an empty list wants nothing particular. */
export interface Routing {
  readonly teams: readonly string[];
  readonly projects: readonly string[];
  readonly labels: readonly string[];
}

/** What is allowed and probably not meant, without the file it is in. */
export type Warning = Omit<Problem, "file">;

/**
 * What a source adds to the configuration, below its name: a group of the config file, a group of each project, and
 * credentials. Values come as its own schema made them, hence `never`: only its own functions know their type.
 */
export interface SourceSettings {
  readonly group: z.ZodType;
  /** Null = a project says nothing about it. */
  readonly projectGroup: z.ZodType | null;
  /** What the relay gets of the group, with what is derived from it. */
  readonly resolve: (group: never) => object;
  /** Which issues a project group asks for; null = no issues come from there. */
  readonly routing: ((projectGroup: never) => Routing) | null;
  /** Where git finds a repository without a cloneUrl, by the resolved group; null = no repositories are there. */
  readonly cloneUrl: ((resolved: never, repository: string) => string) | null;
  readonly warnings: (settings: never) => readonly Warning[];
  /** Why its webhooks need http.publicUrl to be https, to go on after "and"; null = they do not. */
  readonly needsHttps: string | null;
  readonly credentials: SourceCredentials;
}
