import { ExternalError } from "../../../lib/external.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import type { LinearClient, Operation } from "../client/client.ts";
import { SESSION, TICKET, TICKET_ALONE } from "./operations.ts";
import type { SessionAnswer, TicketAnswer } from "./operations.ts";
import { LISTED } from "./shapes.ts";

/** Reads issues with their sessions. */
export interface TicketReader {
  /** `known` = the sessions that we know of, oldest first. Throws ExternalError. */
  read(id: string, known: readonly string[], background: boolean, signal: AbortSignal): Promise<TicketAnswer>;
  /** Whether the last reading has found all sessions there are, and not only those that we knew. */
  listsAll(): boolean;
}

/** How long is read without the field before it is tried again. */
const WITHOUT_MS = 60 * 60_000;

/**
 * Reads with `Issue.agentSessions`, which finds sessions that no webhook reported. Linear calls that field internal: once it
 * is refused, the sessions that we know are read one by one through the public query, and only the others are not found.
 */
export function ticketReader(client: LinearClient, { clock, log }: { clock: Clock; log: Log }): TicketReader {
  let withoutUntil = 0;

  const oneByOne: TicketReader["read"] = async (id, known, background, signal) => {
    const { issue, ...rest } = await client.call(kindOf(TICKET_ALONE, background), { id }, signal);
    const nodes: SessionAnswer[] = [];
    for (const session of known.slice(-LISTED.sessions)) {
      try {
        nodes.push((await client.call(kindOf(SESSION, background), { id: session }, signal)).agentSession);
      } catch (error) {
        if (!(error instanceof ExternalError) || error.kind !== "not_found") throw error;
      }
    }
    return { ...rest, issue: { ...issue, agentSessions: { nodes } } };
  };

  const read: TicketReader["read"] = async (id, known, background, signal) => {
    if (clock.now() < withoutUntil) return await oneByOne(id, known, background, signal);
    try {
      return await client.call(kindOf(TICKET, background), { id }, signal);
    } catch (error) {
      if (!isWithoutField(error)) throw error;
      log.warn("Linear no longer lists the sessions of an issue; reading those we know one by one", {
        error: error.message,
      });
      withoutUntil = clock.now() + WITHOUT_MS;
      return await oneByOne(id, known, background, signal);
    }
  };

  return { read, listsAll: () => clock.now() >= withoutUntil };
}

function kindOf<T>(operation: Operation<T>, background: boolean): Operation<T> {
  return background ? { ...operation, kind: "background" } : operation;
}

// Gone from the schema, or forbidden: GraphQL names the field in either case.
function isWithoutField(error: unknown): error is ExternalError {
  return (
    error instanceof ExternalError && error.kind === "refused" && error.message.includes("agentSessions")
  );
}
