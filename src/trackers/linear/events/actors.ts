import type { Actor } from "../../../factory/facts/actor.ts";
import { NOBODY } from "../../../factory/facts/actor.ts";
import type { TrackerIdentity } from "../../tracker.ts";
import type { EntityActor } from "./schema.ts";

/** Someone as an answer of the API shows them; `app` is true for apps. */
export interface ReadUser {
  readonly id: string;
  readonly name: string;
  readonly app: boolean;
}

/** A member of the workspace by id; null = Linear names nobody (an automation, an account that is gone). */
export function person(
  user: { readonly id: string; readonly name: string | null } | null,
  us: TrackerIdentity | null,
): Actor {
  return user === null ? NOBODY : actor(user.id === us?.id ? "us" : "person", user.id, user.name);
}

/** Someone from an answer of the API. */
export function readActor(user: ReadUser | null, us: TrackerIdentity | null): Actor {
  if (user === null) return NOBODY;
  return actor(user.id === us?.id ? "us" : user.app ? "bot" : "person", user.id, user.name);
}

/** The `actor` of an entity event: a user, an OAuth client, an integration or an external user. */
export function entityActor(from: EntityActor | null, us: TrackerIdentity | null): Actor {
  if (from === null) return NOBODY;
  if (from.id !== null && from.id === us?.id) return actor("us", from.id, from.name);
  return actor(kindOf(from.type), from.id, from.name);
}

function kindOf(type: string | null): Actor["kind"] {
  const plain = type?.toLowerCase().replaceAll(/[^a-z]/g, "") ?? "";
  if (plain === "user") return "person";
  if (plain === "externaluser") return "outsider";
  return plain === "" ? "unknown" : "bot";
}

function actor(kind: Actor["kind"], id: string | null, name: string | null): Actor {
  return { kind, id, name, association: null, permission: null };
}
