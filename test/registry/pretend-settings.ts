import * as z from "zod";
import { oneWord, webhookSecret } from "../../src/settings/credentials/forms.ts";
import { field, listOf, whole, withDefaults } from "../../src/settings/schema/fields.ts";
import type { SourceSettings } from "../../src/settings/sources/source.ts";

const group = withDefaults({ bodyKiB: field(whole(1, 64), 1, "Largest webhook, in KiB.") });
const projectGroup = withDefaults({
  boards: field(listOf(z.string()), [], "Boards whose issues belong here."),
});

/** What the settings hold of it. */
export interface PretendSettings {
  readonly bodyBytes: number;
}

/** The settings of the tracker that nobody has. */
export const PRETEND = {
  group: group.prefault({}),
  projectGroup: projectGroup.prefault({}),
  resolve: ({ bodyKiB }: z.output<typeof group>): PretendSettings => ({ bodyBytes: bodyKiB * 1_024 }),
  routing: ({ boards }: z.output<typeof projectGroup>) => ({ teams: boards, projects: [], labels: [] }),
  cloneUrl: null,
  warnings: ({ pretend }: { readonly pretend: PretendSettings }) =>
    pretend.bodyBytes > 32_768 ? [{ path: "pretend.bodyKiB", message: "is very much", hint: null }] : [],
  needsHttps: null,
  credentials: {
    forms: { PRETEND_WEBHOOK_SECRET: webhookSecret, PRETEND_KEY: oneWord },
    open: [],
    webhookSecret: { name: "PRETEND_WEBHOOK_SECRET", purpose: "verifies its webhooks", source: "Pretend" },
    missing: (credentials) =>
      credentials["PRETEND_KEY"] === null
        ? [{ name: "PRETEND_KEY", purpose: "signs the relay in at Pretend", source: "Pretend: keys" }]
        : [],
    unused: () => [],
  },
} as const satisfies SourceSettings;
