import { startTestbed, type Testbed } from "../../src/demo/testbed.ts";
import { systemClock } from "../../src/lib/clock.ts";

/** Both stand-ins and a config file with one project, for a relay that is to be connected with Linear. */
export function linearTestbed(name: string): Promise<Testbed> {
  return startTestbed(name, { clock: systemClock, people: ["Ada"] }, async (testbed) => {
    await testbed.standIns.github.createRepository({
      name: "example/app",
      files: { "README.md": "# App\n" },
      people: {},
    });
    await testbed.configure({
      projects: [{ id: "app", linear: { teams: ["APP"] }, repository: { name: "example/app" } }],
    });
    return testbed;
  });
}

/** What /ready says of Linear, and of the relay as a whole. */
export interface LinearReady {
  readonly ready: boolean;
  readonly ok: boolean;
  readonly detail: string;
}

/** What /ready of the relay at `url` says once Linear was asked and `until` holds. */
export async function linearReady(
  url: string,
  until: (part: LinearReady) => boolean = () => true,
): Promise<LinearReady> {
  for (;;) {
    const { ready, parts } = (await (await fetch(`${url}/ready`)).json()) as {
      readonly ready: boolean;
      readonly parts: { readonly linear: { ok: boolean; detail: string; ageMs: number | null } };
    };
    const { ok, detail, ageMs } = parts.linear;
    if (ageMs !== null && until({ ready, ok, detail })) return { ready, ok, detail };
    await new Promise((resolve) => setImmediate(resolve));
  }
}
