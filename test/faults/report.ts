import type { Aims } from "./history/aims.ts";
import type { History } from "./history/history.ts";
import type { Posts } from "./history/posts.ts";
import type { Tasks } from "./history/tasks.ts";
import type { Finding } from "./verdict.ts";

const SHOWN = 10;

/** Prints what was done and found; returns the exit code. `required`: every failpoint must have been killed at. */
export function report(
  told: {
    readonly findings: readonly Finding[];
    readonly history: History;
    readonly aims: Aims;
    readonly posts: Posts;
    readonly tasks: Tasks;
    readonly required: boolean;
  },
  say: (line: string) => void,
): number {
  const { history, aims, posts, tasks } = told;
  const at = [...aims.killedAt].filter(([, count]) => count > 0);
  const missing = aims.missing();
  const starts = history.startedInMs.toSorted((a, b) => a - b);
  say(
    `${history.kills} kills: ${history.randomKills} at random instants, ${history.kills - history.randomKills} at failpoints:`,
  );
  for (const [name, count] of at) say(`  ${String(count).padStart(4)}  ${name}`);
  if (missing.length > 0) say(`not reached: ${missing.join(", ")}`);
  say(
    `restarts: ${starts.length}, median ${ms(starts, 0.5)}, worst ${ms(starts, 1)} from start to accepting`,
  );
  say(`issues: ${tasks.all.length}; own deliveries: ${posts.sent}; acknowledged in all: ${posts.acked.size}`);
  const findings: readonly Finding[] = [
    ...told.findings,
    {
      what: "signed deliveries were answered 200, 503 or not at all",
      looked: posts.sent,
      broken: posts.wrong,
    },
    {
      what: "no relay ended, hung or failed to start of its own accord",
      looked: starts.length,
      broken: history.unasked,
    },
    ...(told.required
      ? [{ what: "every failpoint was killed at", looked: aims.killedAt.size, broken: missing }]
      : []),
  ];
  let failed = 0;
  for (const { what, looked, broken } of findings) {
    const bad = broken.length > 0 || looked === 0;
    if (bad) failed += 1;
    say(
      `${bad ? "FAILED" : "ok    "}  ${what} (${looked} looked at${bad ? `, ${broken.length} broken` : ""})`,
    );
    for (const each of broken.slice(0, SHOWN)) say(`          ${each}`);
  }
  process.stdout.write(`${findings.length - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

function ms(sorted: readonly number[], quantile: number): string {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * quantile))];
  return value === undefined ? "none" : `${Math.round(value)} ms`;
}
