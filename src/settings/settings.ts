import type { AgentName, ResolvedAgents } from "./agents/agents.ts";
import type { Layout } from "./load/layout.ts";
import type { Config } from "./schema/schema.ts";
import type { Routing } from "./sources/source.ts";
import type { ProjectSourceName, ResolvedSources } from "./sources/sources.ts";

type Primitive = string | number | boolean | null | undefined;

/** The same, with nothing in it that may be written. */
export type Frozen<T> = T extends Primitive
  ? T
  : unknown extends T
    ? T
    : T extends readonly (infer E)[]
      ? readonly Frozen<E>[]
      : { readonly [K in keyof T]: Frozen<T[K]> };

/** When and how a pull request is merged. */
export type MergeSettings = Frozen<Config["merge"]>;
/** Whose words count. */
export type TrustSettings = Frozen<Config["trust"]>;
/** What may be spent; null is no limit. */
export type BudgetSettings = Frozen<Config["budgets"]>;

/** When a person who is awaited is reminded. */
export type ReminderSettings = Frozen<Config["reminders"]>;

/** What becomes of questions that nobody answers. */
export type QuestionSettings = Frozen<Config["questions"]>;

/** Which agent, and how it is started; paths absolute. */
export interface AgentSettings extends Frozen<ResolvedAgents> {
  readonly default: AgentName;
}

/** Prices of one model, in US dollars per million tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

/** One project with the global settings that it did not override filled in. */
export interface ProjectSettings extends Frozen<Pick<Config["projects"][number], ProjectSourceName>> {
  readonly id: string;
  /** Which issues belong here. */
  readonly routing: Routing;
  readonly repository: {
    /** `owner/name` */
    readonly name: string;
    readonly owner: string;
    readonly shortName: string;
    /** null is the repository's default branch. */
    readonly baseBranch: string | null;
    readonly cloneUrl: string;
  };
  readonly branchPrefix: string;
  readonly mentions: Config["mentions"];
  readonly subIssues: Config["subIssues"];
  readonly merge: MergeSettings;
  readonly trust: TrustSettings;
  readonly reminders: ReminderSettings;
  readonly questions: QuestionSettings;
  readonly agent: AgentSettings;
  readonly budgets: BudgetSettings;
}

type Group<K extends keyof Config> = Frozen<Config[K]>;

/**
 * The whole configuration: checked, with defaults, paths absolute, URLs without a slash at the end, frozen. Units are
 * in the names. It holds no credential.
 */
export interface Settings extends ResolvedSources {
  /** The config file, absolute. */
  readonly file: string;
  readonly dataDir: string;
  readonly layout: Layout;
  readonly engine: Config["engine"];
  readonly webhooks: Config["webhooks"];
  readonly http: Group<"http"> & {
    /** Whether `host` can be reached from this machine only. */
    readonly loopback: boolean;
  };
  readonly agent: AgentSettings;
  readonly runs: Group<"runs">;
  readonly ci: Group<"ci">;
  readonly outbox: Group<"outbox">;
  readonly inbox: Group<"inbox">;
  readonly storage: Group<"storage">;
  readonly sweep: Group<"sweep">;
  readonly limits: Group<"limits">;
  readonly budgets: BudgetSettings;
  readonly merge: MergeSettings;
  readonly trust: TrustSettings;
  readonly reminders: ReminderSettings;
  readonly questions: QuestionSettings;
  readonly branchPrefix: string;
  readonly mentions: Config["mentions"];
  readonly subIssues: Config["subIssues"];
  readonly pricing: Readonly<Record<string, ModelPrice>>;
  readonly log: Group<"log">;
  readonly projects: readonly ProjectSettings[];
  /** The name of the source that has the repositories. */
  readonly forge: string;
}

/** Freezes a value and everything in it, and gives it back. */
export function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}
