import { createHmac } from "node:crypto";
import { issueId } from "../../src/factory/facts/ids.ts";
import type { IssueId } from "../../src/factory/facts/ids.ts";
import { ExternalError } from "../../src/lib/external.ts";
import type { Secret } from "../../src/lib/secrets/secret.ts";
import type { Rotating } from "../../src/registry.ts";
import type { Installing, Tracker, Workspace } from "../../src/trackers/tracker.ts";

/** What the tests want to know of it. */
export interface PretendTracker extends Tracker, Rotating {
  /** Issues that were asked for. */
  readonly reads: readonly IssueId[];
}

const RELAY = {
  id: "relay",
  name: "Relay",
  workspace: "acme",
  workspaceName: "Pretend",
  inert: null,
  quick: null,
};

/** What it lets the configuration name. */
export const PRETEND_WORKSPACE: Workspace = {
  id: "acme",
  name: "Pretend",
  teams: [{ key: "B1", name: "Board one", statuses: [{ name: "Doing", type: "started" }], labels: [] }],
  projects: [],
  labels: ["urgent"],
};

/** Sends the admin straight back with a consent. */
const INSTALLING: Installing = {
  begin: async (redirectUri) => `${redirectUri}?state=s1&code=c1`,
  finish: async () => RELAY,
  decline: async () => undefined,
};

export function signatureOf(body: string, secret: string): string {
  return createHmac("sha256", secret).update(body).digest("hex");
}

/** A tracker that nobody has: signed webhooks `{"issue": "1"}`, one person, no conversations. */
export function createPretendTracker(secret: Secret | null): PretendTracker {
  if (secret === null) throw new Error("PRETEND_WEBHOOK_SECRET is missing");
  const reads: IssueId[] = [];
  const ada = { kind: "person", id: "ada", name: "Ada", association: null, permission: null } as const;
  const never = async (): Promise<never> => {
    throw new ExternalError("refused", "the pretend tracker cannot do that");
  };
  return {
    name: "pretend",
    reads,
    lastPreviousSecretUseAt: () => Date.UTC(2026, 0, 2),
    open(headers, body) {
      const given = headers.get("pretend-signature");
      if (given !== signatureOf(body.toString(), secret.reveal()))
        return {
          verified: false,
          status: 401,
          code: "bad_signature",
          detail: "the signature does not match",
        };
      const deliveryId = headers.get("pretend-delivery") ?? "";
      return {
        verified: true,
        source: "pretend",
        deliveryId,
        event: "delegated",
        action: null,
        body,
        quarantine: null,
      };
    },
    interpret(body, _event, { us, receivedAt }) {
      const { issue } = body as { readonly issue: string };
      return {
        action: `for ${us.map(({ name }) => name).join() || "nobody yet"}`,
        observations: [
          { issue: issueId("pretend", issue), observation: { kind: "delegated", at: receivedAt, by: ada } },
        ],
        ignored: null,
        recheck: false,
      };
    },
    whoAmI: async () => [RELAY],
    installing: INSTALLING,
    discover: async () => ({ issues: [], rest: null }),
    in: () => ({
      async readTicket(issue) {
        reads.push(issue);
        return { kind: "ticket_removed", at: Date.now(), by: ada };
      },
      tell: never,
      showPlan: never,
      link: never,
      setStatus: never,
      takeDelegation: never,
    }),
  };
}
