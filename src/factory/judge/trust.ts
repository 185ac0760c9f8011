import type { Actor } from "../facts/actor.ts";
import type { Facts } from "../facts/facts.ts";
import type { SaidTo } from "../facts/ticket.ts";
import type { Policy, ProjectPolicy, Trust } from "../facts/policy.ts";

/**
 * Who may make the relay spend money or change code: deny by default, judged from ids and permissions
 * (T8 and T9 in docs/reliability.md). `from` says which service vouches for the actor.
 */
export function maySteer(facts: Facts, actor: Actor, from: SaidTo, policy: Policy): boolean {
  return allowed(projectOf(facts, policy)?.trust.maySteer ?? "members", facts, actor, from);
}

/** Who may delegate an issue to us or mention us on one. */
export function mayDelegate(facts: Facts, actor: Actor, policy: Policy): boolean {
  const trust = projectOf(facts, policy)?.trust.mayDelegate ?? "members";
  // "Only the delegator" is about steering; for delegation itself it means any member of the workspace.
  return allowed(trust === "delegator" ? "members" : trust, facts, actor, "tracker");
}

function allowed(trust: Trust, facts: Facts, actor: Actor, from: SaidTo): boolean {
  if (from === "operator") return actor.kind === "operator";
  if (actor.kind === "us" || actor.kind === "outsider") return false;
  if (trust === "delegator") return from === "tracker" && isDelegator(facts, actor);
  // The tracker vouches for its members: only they can open a session, and an automation is theirs.
  if (from === "tracker") return true;
  if (actor.kind !== "person") return false;
  if (actor.association === "owner" || actor.association === "member") return true;
  // GitHub calls everybody a collaborator who was invited, to read only too: the permission decides.
  return trust === "collaborators" && (actor.permission === "write" || actor.permission === "admin");
}

/** Whether only the permission, which a webhook does not carry, tells if this person may steer. */
export function isUnproven(actor: Actor): boolean {
  return actor.kind === "person" && actor.association === "collaborator" && actor.permission === null;
}

/**
 * Whether it was this person who gave us the work. Where no person's delegation stands (we were only mentioned, and
 * then made ourselves the delegate) it is whoever opened a session with us: somebody must be able to answer.
 */
function isDelegator({ delegation, sessions }: Facts, { id }: Actor): boolean {
  if (id === null) return false;
  const stands = delegation !== null && delegation.value.granted && delegation.value.by.kind !== "us";
  if (stands) return delegation.value.by.id === id;
  return Object.values(sessions).some(({ by }) => by.id === id);
}

/** The policy of the project an issue was routed to. */
export function projectOf(facts: Facts, policy: Policy): ProjectPolicy | null {
  return policy.projects.find((project) => project.id === facts.project?.id) ?? null;
}
