import { arm } from "../lib/failpoints.ts";
import type { FailAction } from "../lib/failpoints.ts";
import type { Environment } from "./load/locate.ts";
import type { Problem } from "./load/problem.ts";

const VARIABLE = "PATCHRELAY_FAILPOINTS";
const FORM =
  "expected entries NAME:kill, NAME:throw or NAME:delay=MILLISECONDS, each optionally with :N for the Nth time, separated by commas";
const MAX_DELAY_MS = 3_600_000;

/**
 * Arms the failpoints of PATCHRELAY_FAILPOINTS ("effect.before_call:kill:3,publish.before_push:delay=250"). Only where
 * PATCHRELAY_TEST=1; anywhere else nothing is armed and the variable is a problem to be told, not to stop for.
 */
export function armFailpoints(env: Environment): readonly Problem[] {
  const text = env[VARIABLE];
  if (text === undefined || text.trim() === "") return [];
  if (env["PATCHRELAY_TEST"] !== "1") {
    const message = "is ignored: failpoints are for tests";
    return [{ file: null, path: VARIABLE, message, hint: "unset it; tests also set PATCHRELAY_TEST=1" }];
  }
  const entries = text.split(",").map((entry) => ({ entry, failpoint: parseFailpoint(entry.trim()) }));
  const wrong = entries.filter(({ failpoint }) => failpoint === null);
  if (wrong.length > 0) {
    return wrong.map(({ entry }) => ({
      file: null,
      path: VARIABLE,
      message: `${FORM}, found ${JSON.stringify(entry)}`,
      hint: null,
    }));
  }
  for (const { failpoint } of entries) {
    if (failpoint !== null) arm(failpoint.name, failpoint.action, failpoint.nth);
  }
  return [];
}

interface Failpoint {
  readonly name: string;
  readonly action: FailAction;
  readonly nth: number;
}

function parseFailpoint(entry: string): Failpoint | null {
  const match = /^([a-z][a-z0-9_]*(?:\.[a-z0-9_-]+)*):(kill|throw|delay=(\d{1,7}))(?::(\d{1,6}))?$/.exec(
    entry,
  );
  const [, name, kind, ms, nth] = match ?? [];
  if (name === undefined || kind === undefined) return null;
  const count = nth === undefined ? 1 : Number(nth);
  if (count < 1) return null;
  if (kind === "kill" || kind === "throw") return { name, action: { kind }, nth: count };
  const delayMs = Number(ms);
  return delayMs > MAX_DELAY_MS ? null : { name, action: { kind: "delay", ms: delayMs }, nth: count };
}
