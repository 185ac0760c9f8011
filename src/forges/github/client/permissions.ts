import { z } from "zod";
import type { Actor } from "../../../factory/facts/actor.ts";
import type { Clock } from "../../../lib/clock.ts";
import { ExternalError } from "../../../lib/external.ts";
import { sharedFlights } from "../../../lib/single-flight.ts";
import type { Client } from "./client.ts";

type Permission = NonNullable<Actor["permission"]>;

/** What people may do in a repository, looked up and remembered for a while. */
export interface Permissions {
  /** `actors` with their permission where it could be looked up; order and number are kept. */
  lookUp(
    repository: string,
    actors: readonly Actor[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Permission>>;
}

const KEPT_MS = 10 * 60_000;
const MAX_KEPT = 1_000;
/** People looked up for one reading; the rest stay unknown, which trusts nobody. */
const MAX_LOOK_UPS = 20;

const Answer = z.object({ permission: z.enum(["admin", "write", "read", "none"]) });

export function createPermissions(client: Client, clock: Clock): Permissions {
  const kept = new Map<string, { readonly until: number; readonly permission: Permission }>();

  const together = sharedFlights<Permission | null>();

  const ask = async (repository: string, login: string, signal: AbortSignal): Promise<Permission | null> => {
    try {
      const { value } = await client.call(
        {
          repository,
          route: "GET /repos/{owner}/{repo}/collaborators/{username}/permission",
          parameters: { username: login },
          schema: Answer,
        },
        signal,
      );
      return value.permission;
    } catch (error) {
      if (error instanceof ExternalError && error.kind === "not_found") return "none";
      // Not allowed to ask: not known, which is not the same as none.
      if (error instanceof ExternalError && error.kind === "refused") return null;
      throw error;
    }
  };

  return {
    async lookUp(repository, actors, signal) {
      const found = new Map<string, Permission>();
      const people = new Map<string, string>();
      for (const actor of actors) {
        if (actor.kind === "person" && actor.id !== null && actor.name !== null)
          people.set(actor.id, actor.name);
      }
      let asked = 0;
      for (const [id, login] of people) {
        const name = `${repository} ${id}`;
        const known = kept.get(name);
        if (known !== undefined && known.until > clock.monotonic()) {
          found.set(id, known.permission);
          continue;
        }
        if (asked >= MAX_LOOK_UPS) continue;
        asked += 1;
        const permission = await together(name, (until) => ask(repository, login, until), signal);
        if (permission === null) continue;
        found.set(id, permission);
        kept.delete(name);
        kept.set(name, { until: clock.monotonic() + KEPT_MS, permission });
        const oldest = kept.keys().next();
        if (kept.size > MAX_KEPT && oldest.done !== true) kept.delete(oldest.value);
      }
      return found;
    },
  };
}
