import { contradictions } from "../schema/checks.ts";
import { problemsOf } from "./explain.ts";
import { findConfig, parseConfig } from "./locate.ts";
import type { Sources } from "./locate.ts";
import type { Problem } from "./problem.ts";
import { resolveSettings } from "./resolve.ts";
import { configJsonSchema, configSchemaWith } from "../schema/schema.ts";
import type { Settings } from "../settings.ts";
import { SOURCE_SETTINGS } from "../sources/sources.ts";
import type { SourcesSettings } from "../sources/sources.ts";
import { warningsOf } from "./warnings.ts";

export type LoadedSettings =
  | { readonly ok: true; readonly settings: Settings; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Finds, reads and checks the configuration. All problems are told at once; with any of them there are no settings. */
export function loadSettings(
  sources: Sources,
  sourcesSettings: SourcesSettings = SOURCE_SETTINGS,
): LoadedSettings {
  const found = findConfig(sources);
  if (!found.ok) return found;
  const { file, text } = found;
  const parsed = parseConfig(file, text);
  if (!parsed.ok) return parsed;
  const schema = configSchemaWith(sourcesSettings);
  const checked = schema.safeParse(parsed.value);
  const contradicting = contradictions(parsed.value, schema.parse({ projects: [] }), file);
  if (!checked.success) {
    const problems = problemsOf(checked.error.issues, parsed.value, file, configJsonSchema(schema));
    return { ok: false, problems: [...problems, ...contradicting] };
  }
  if (contradicting.length > 0) return { ok: false, problems: contradicting };
  const settings = resolveSettings(checked.data, file, sources.env, sourcesSettings);
  return { ok: true, settings, warnings: warningsOf(settings, sources.env, sourcesSettings) };
}
