// Read by every command, also by those that must start as fast as `node` itself: no zod here.

/** The engines that the config file may name. */
export const ENGINES = ["embedded", "temporal"] as const;
export type EngineName = (typeof ENGINES)[number];

/** The one that is meant where the file names none. */
export const DEFAULT_ENGINE: EngineName = "embedded";
