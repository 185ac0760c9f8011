import { silentLog } from "../../src/lib/log.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { createLinearTracker } from "../../src/trackers/linear/linear.ts";
import { issueId } from "../../src/factory/facts/ids.ts";
import { QUICK } from "../trackers/linear-support.ts";
import { handWorld } from "../world/linear-support.ts";
import { workspaceConformance } from "./tracker-workspace.ts";

// The rest of what an application must do has no counterpart here: nothing tells a person's key of news, so that there is
// nothing to interpret; and nobody can be a delegate, so that none is taken.
workspaceConformance("linear, in quick mode", async () => {
  const { world, clock } = await handWorld();
  world.addLabel(QUICK.trigger.label);
  const tracker = createLinearTracker({
    apiUrl: world.url,
    installing: { lacks: [], kept: null },
    webhookSecrets: [],
    auth: { kind: "apiKey", key: new Secret(world.apiKey), quick: QUICK },
    clock,
    log: silentLog,
    limits: { connectMs: 2_000, totalMs: 3_000 },
  });
  const signal = new AbortController().signal;
  const issueOf = (session: string): string => session.split(":")[1] ?? "";
  /** Our comments: the work comment first, then what was said in its thread. */
  const ours = (session: string): readonly string[] =>
    world
      .issue(issueOf(session))
      .comments.toSorted((a, b) => Number(a.parentId !== null) - Number(b.parentId !== null))
      .map(({ body }) => body.replace("**patchrelay** · ", ""));
  const lines = (session: string): readonly string[] => ours(session)[0]?.split("\n") ?? [];
  return {
    tracker,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    people: {
      names: ["Ada Lovelace", "Grace Hopper"],
      createIssue(title) {
        const { id, identifier } = world.createIssue({ team: "APP", title, state: "unstarted" });
        return { id, key: identifier };
      },
      async gives(issue, by) {
        world.editIssue(issue, { labels: [QUICK.trigger.label] }, by);
        const read = await tracker.in(null).readTicket(issueId("linear", issue), signal);
        const session = read.kind === "ticket_read" ? read.sessions.at(-1) : undefined;
        if (session === undefined) throw new Error("the label opened no session");
        return session.id;
      },
      setStatus(issue, type, by) {
        world.setState(issue, type, by);
      },
      retitle(issue, title, by) {
        world.editIssue(issue, { title }, by);
      },
      block(issue, blocker) {
        world.addBlocker(issue, blocker, "Ada Lovelace");
      },
    },
    shown: {
      said: (session) => ours(session).slice(1),
      plan: (session) =>
        lines(session)
          .filter((line) => line.startsWith("* ["))
          .map((line) => ({
            content: line.slice("* [x] ".length).replace(" (in progress)", ""),
            status: line.startsWith("* [x]")
              ? "completed"
              : line.endsWith("(in progress)")
                ? "inProgress"
                : "pending",
          })),
      links: (session) => {
        const linked = lines(session).find((line) => line.startsWith("Links: ")) ?? "";
        return [...linked.matchAll(/\(<([^>]*)>\)/g)].map(([, url = ""]) => url);
      },
      status(issue) {
        const { name, type } = world.issue(issue).state;
        return { name, type };
      },
    },
    misbehave(how) {
      world.faults.outage = how;
    },
    rateLimitNext(count) {
      world.faults.rateLimitNext = count;
    },
    staleReads(ms) {
      world.faults.staleReadsMs = ms;
    },
    problems: () => world.problems,
    close: () => world.close(),
  };
});
