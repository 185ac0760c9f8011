import { Secret } from "../../src/lib/secrets/secret.ts";
import { silentLog } from "../../src/lib/log.ts";
import { createLinearTracker } from "../../src/trackers/linear/linear.ts";
import { headersOf } from "../trackers/linear-support.ts";
import { handWorld, SECRET, startReceiver } from "../world/linear-support.ts";
import { trackerConformance } from "./tracker.ts";
import type { TrackerRig } from "./tracker.ts";
import { workspaceConformance } from "./tracker-workspace.ts";

async function startRig(): Promise<TrackerRig> {
  const receiver = await startReceiver();
  const { world, clock } = await handWorld({ webhook: { url: receiver.url, secret: SECRET } });
  const tracker = createLinearTracker({
    apiUrl: world.url,
    installing: { lacks: [], kept: null },
    webhookSecrets: [new Secret(SECRET)],
    auth: {
      kind: "clientCredentials",
      clientId: new Secret(world.oauth.clientId),
      clientSecret: new Secret(world.oauth.clientSecret),
    },
    clock,
    log: silentLog,
    limits: { connectMs: 2_000, totalMs: 3_000 },
  });
  let taken = 0;
  return {
    tracker,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    async received() {
      await world.settled();
      const fresh = receiver.got.slice(taken);
      taken = receiver.got.length;
      return fresh.map(({ headers, raw }) => ({
        headers: headersOf(Object.entries(headers).map(([name, value]) => [name, String(value)] as const)),
        body: raw,
      }));
    },
    people: {
      names: ["Ada Lovelace", "Grace Hopper"],
      createIssue(title) {
        const { id, identifier } = world.createIssue({ team: "APP", title, state: "unstarted" });
        return { id, key: identifier };
      },
      delegate: (issue, by) => world.delegate(issue, by).id,
      undelegate(issue, by) {
        world.undelegate(issue, by);
      },
      mention: (issue, text, by) => world.mention(issue, text, by).id,
      mentionInReply(issue, root, text, by) {
        const comment = world.comment(issue, root, "Ada Lovelace");
        return world.mention(issue, text, by, comment.id).id;
      },
      prompt(session, text, by) {
        world.prompt(session, text, by);
      },
      stop(session, by) {
        world.stop(session, by);
      },
      comment(issue, text, by) {
        world.comment(issue, text, by);
      },
      setStatus(issue, type, by) {
        world.setState(issue, type, by);
      },
      retitle(issue, title, by) {
        world.editIssue(issue, { title }, by);
      },
      remove(issue, by) {
        world.removeIssue(issue, by);
      },
      block(issue, blocker) {
        world.addBlocker(issue, blocker, "Ada Lovelace");
      },
    },
    shown: {
      activities: (session) =>
        world
          .activities(session)
          .filter((activity) => activity.content.type !== "prompt")
          .map(({ content }) => ({ type: content.type, text: content.body ?? content.action ?? "" })),
      plan: (session) => world.session(session).plan ?? [],
      links: (session) => world.session(session).externalLinks.map((link) => link.url),
      status(issue) {
        const { name, type } = world.issue(issue).state;
        return { name, type };
      },
      delegate: (issue) => world.issue(issue).delegateId,
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
    async close() {
      await world.close();
      await receiver.close();
    },
  };
}

trackerConformance("linear", startRig);
workspaceConformance("linear, as an application", async () => {
  const rig = await startRig();
  const { people, shown } = rig;
  return {
    ...rig,
    people: { ...people, gives: async (issue, by) => people.delegate(issue, by) },
    shown: { ...shown, said: (session) => shown.activities(session).map(({ text }) => text) },
  };
});
