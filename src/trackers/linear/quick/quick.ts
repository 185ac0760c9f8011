import type { IssueId } from "../../../factory/facts/ids.ts";
import { trackerIdOf } from "../../../factory/facts/ids.ts";
import type { Observation } from "../../../factory/facts/observation.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import type { Secret } from "../../../lib/secrets/secret.ts";
import type { Discovery, TrackerIdentity } from "../../tracker.ts";
import type { LinearClient } from "../client/client.ts";
import { readTicket } from "../read/read.ts";
import { discoverChanges } from "./discover.ts";
import { FIND_LABEL, QUICK_TICKET } from "./operations.ts";
import { ownComments } from "./own.ts";
import { quickReading } from "./ticket.ts";
import type { QuickSettings, Trigger } from "./trigger.ts";
import { commentVoice } from "./write.ts";
import type { Voice } from "../write/voice.ts";

/** Linear with a person's key: labels and comments are what delegations and agent sessions are to an application. */
export interface QuickMode extends Voice {
  /** Who we are, once the key is known to be a person's. */
  identity(us: TrackerIdentity, signal: AbortSignal): Promise<TrackerIdentity>;
  readTicket(
    us: TrackerIdentity,
    issue: IssueId,
    background: boolean,
    signal: AbortSignal,
  ): Promise<Observation>;
  discover(us: TrackerIdentity, since: number, rest: string | null, signal: AbortSignal): Promise<Discovery>;
}

/** Quick mode by this key. `client` calls with it. */
export function createQuickMode(
  client: LinearClient,
  key: Secret,
  { trigger, polls }: QuickSettings,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): QuickMode {
  const own = ownComments(key);
  let isTold = false;
  return {
    ...commentVoice(client, own),
    async identity(us, signal) {
      const { issueLabels } = await client.call(FIND_LABEL, { label: trigger.label }, signal);
      const inert = polls
        ? null
        : {
            why: `the key belongs to a person (${us.name}), and news for it comes by looking for it, which is off`,
            remedy: 'set "webhooks" to "off", or sign in as an application',
          };
      if (!isTold) log.info("working in quick mode, as a person", { name: us.name, ...trigger });
      isTold = true;
      return { ...us, inert, quick: explained(us.name, trigger, issueLabels.nodes.length > 0) };
    },
    async readTicket(us, issue, background, signal) {
      const operation = background ? ({ ...QUICK_TICKET, kind: "background" } as const) : QUICK_TICKET;
      return await readTicket(
        () => client.call(operation, { id: trackerIdOf(issue) }, signal),
        (answer) => quickReading(answer, us, own, trigger),
        clock,
      );
    },
    discover: (us, since, rest, signal) =>
      discoverChanges({ client, own, trigger, log }, us, since, rest, signal),
  };
}

/** In words for people: what starts work, and what a person's key lacks. */
function explained(name: string, { label, word, assignment }: Trigger, hasLabel: boolean): string {
  const there = hasLabel ? "" : " (there is no such label yet: make it in Linear)";
  const assigned = assignment ? `, by assigning the issue to ${name}` : "";
  return (
    `quick mode: acts as ${name}; work starts by the label "${label}"${there}${assigned}, or by a comment that begins with "${word}". ` +
    `It lacks delegation, agent sessions and a stop button, and Linear notifies ${name} of nothing that is written in that name`
  );
}
