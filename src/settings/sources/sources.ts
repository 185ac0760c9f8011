import type * as z from "zod";
import { GITHUB, GITHUB_HTTP, GITHUB_LIMITS } from "./github.ts";
import { LINEAR, LINEAR_HTTP } from "./linear.ts";
import type { SourceSettings } from "./source.ts";

/** What each source adds to the configuration, by its name. */
export const SOURCE_SETTINGS = { linear: LINEAR, github: GITHUB } as const;

// People rely on these keys, so they stay where they are; a new source has all of its own in its group.

/** Keys of these sources in the group `http`. */
export const HTTP_FIELDS = { ...GITHUB_HTTP, ...LINEAR_HTTP };

/** Keys of these sources in the group `limits`. */
export const LIMITS_FIELDS = GITHUB_LIMITS;

/** The same for a relay with other sources. */
export type SourcesSettings = Readonly<Record<string, SourceSettings>>;

type All = typeof SOURCE_SETTINGS;

type ProjectGroups = {
  [N in keyof All as All[N]["projectGroup"] extends z.ZodType ? N : never]: All[N]["projectGroup"];
};

/** What the settings hold of each source, by its name. */
export type ResolvedSources = { readonly [N in keyof All]: Readonly<ReturnType<All[N]["resolve"]>> };

/** The names of sources that a project says something about. */
export type ProjectSourceName = keyof ProjectGroups;

/** The keys of the config file. */
export const GROUPS = groupsOf(SOURCE_SETTINGS) as { [N in keyof All]: All[N]["group"] };

/** The keys of a project. */
export const PROJECT_GROUPS = projectGroupsOf(SOURCE_SETTINGS) as ProjectGroups;

export function groupsOf(sources: SourcesSettings): Readonly<Record<string, z.ZodType>> {
  return Object.fromEntries(Object.entries(sources).map(([name, { group }]) => [name, group]));
}

export function projectGroupsOf(sources: SourcesSettings): Readonly<Record<string, z.ZodType>> {
  return Object.fromEntries(
    Object.entries(sources).flatMap(([name, { projectGroup }]) =>
      projectGroup === null ? [] : [[name, projectGroup]],
    ),
  );
}
