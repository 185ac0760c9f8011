import type { Activity } from "../../../factory/effects/effect.ts";
import type { PlanItem } from "../../../factory/facts/run.ts";
import { trackerIdOf } from "../../../factory/facts/ids.ts";
import type { IssueId } from "../../../factory/facts/ids.ts";
import { uuidFromKey } from "../../../lib/ids.ts";
import { ExternalError } from "../../../lib/external.ts";
import { clip } from "../../../lib/text.ts";
import type { StatusMove, TrackerIdentity } from "../../tracker.ts";
import { statusOf } from "../events/interpretation.ts";
import type { LinearClient } from "../client/client.ts";
import { activityInput, planInput } from "./content.ts";
import { carriedOut, isRefusal, orNull, webAddress } from "./outcome.ts";
import { chooseMove } from "./status.ts";
import type { Voice } from "./voice.ts";
import type { UpdatedIssue } from "./operations.ts";
import {
  CREATE_ACTIVITY,
  FIND_ACTIVITY,
  FIND_DELEGATE,
  FIND_LINKS,
  FIND_STATUS,
  UPDATE_ISSUE,
  UPDATE_SESSION,
} from "./operations.ts";

/** Speaks in agent sessions, as only an application may. */
export function agentVoice(client: LinearClient): Voice {
  return {
    tell: (session, key, activity, signal, need = "wanted") =>
      tell(client, { session, key, activity, need }, signal),
    showPlan: (session, items, signal) => showPlan(client, session, items, signal),
    link: (session, label, url, signal) => link(client, session, label, url, signal),
  };
}

/**
 * Posts an activity under an id made from `key`, so that a repeat cannot post twice. Linear refuses an id it has;
 * whether that is what a refusal means is asked of Linear, not read from its words.
 */
async function tell(
  client: LinearClient,
  told: {
    readonly session: string;
    readonly key: string;
    readonly activity: Activity;
    readonly need: "wanted" | "fleeting";
  },
  signal: AbortSignal,
): Promise<void> {
  const { session, key, activity, need } = told;
  const id = uuidFromKey(key);
  const create = need === "fleeting" ? { ...CREATE_ACTIVITY, kind: need } : CREATE_ACTIVITY;
  try {
    const input = { id, agentSessionId: session, ...activityInput(activity) };
    const { agentActivityCreate } = await client.call(create, { input }, signal);
    carriedOut(agentActivityCreate.success, CREATE_ACTIVITY.name);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const there = await orNull(client.call(FIND_ACTIVITY, { id }, signal));
    if (there?.agentActivity.agentSession.id !== session) throw error;
  }
}

/** Replaces the session's plan. */
async function showPlan(
  client: LinearClient,
  session: string,
  items: readonly PlanItem[],
  signal: AbortSignal,
): Promise<void> {
  const variables = { id: session, input: { plan: planInput(items) } };
  const { agentSessionUpdate } = await client.call(UPDATE_SESSION, variables, signal);
  carriedOut(agentSessionUpdate.success, UPDATE_SESSION.name);
}

/** Adds a link to the session; one that is there already is left. `url` must be http or https. */
async function link(
  client: LinearClient,
  session: string,
  label: string,
  url: string,
  signal: AbortSignal,
): Promise<void> {
  webAddress(url);
  try {
    const input = { addedExternalUrls: [{ label: clip(label, 200), url }] };
    const { agentSessionUpdate } = await client.call(UPDATE_SESSION, { id: session, input }, signal);
    carriedOut(agentSessionUpdate.success, UPDATE_SESSION.name);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const there = await orNull(client.call(FIND_LINKS, { id: session }, signal));
    if (there?.agentSession.externalLinks.some((one) => one.url === url) !== true) throw error;
  }
}

/** Moves the issue forward, never back. */
export async function setStatus(
  client: LinearClient,
  issue: IssueId,
  to: "started" | "completed",
  name: string | null,
  signal: AbortSignal,
): Promise<StatusMove> {
  const id = trackerIdOf(issue);
  const found = await client.call(FIND_STATUS, { id }, signal);
  const move = chooseMove(found.issue, to, name);
  if (move.to === null) return { says: move.story, moved: null };
  const after = await updateIssue(client, id, { stateId: move.to.id }, signal);
  return { says: move.story, moved: { status: statusOf(after.state, after), at: after.updatedAt } };
}

/** Makes us the delegate where there is none; leaves anybody else's delegation alone. */
export async function takeDelegation(
  client: LinearClient,
  us: TrackerIdentity,
  issue: IssueId,
  signal: AbortSignal,
): Promise<void> {
  const id = trackerIdOf(issue);
  const found = await client.call(FIND_DELEGATE, { id }, signal);
  if (found.issue.delegate === null) await updateIssue(client, id, { delegateId: us.id }, signal);
}

async function updateIssue(
  client: LinearClient,
  id: string,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<UpdatedIssue> {
  const { issueUpdate } = await client.call(UPDATE_ISSUE, { id, input }, signal);
  carriedOut(issueUpdate.success, UPDATE_ISSUE.name);
  if (issueUpdate.issue === null)
    throw new ExternalError("unavailable", `Linear (${UPDATE_ISSUE.name}): it answered without the issue`);
  return issueUpdate.issue;
}
