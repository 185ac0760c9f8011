import * as z from "zod";
import { amount, field, whole, withDefaults } from "./fields.ts";
import { hostForm, publicUrlForm, baseUrlForm } from "./forms.ts";

// The groups that concern the relay as a whole.

const seconds = amount(0.01, 86_400);
const days = whole(1, 3650);
const mebibytes = whole(0, 1_048_576);

export const httpGroup = withDefaults({
  host: field(
    hostForm,
    "127.0.0.1",
    "Address to listen on. Anything but loopback needs PATCHRELAY_API_TOKEN.",
  ),
  port: field(whole(0, 65_535), 8787, "TCP port to listen on; 0 takes any free one."),
  publicUrl: field(
    publicUrlForm.nullable(),
    null,
    "Where webhooks, people and OAuth reach this relay from outside; null when they do not.",
  ),
  requireToken: field(z.boolean(), false, "Ask for PATCHRELAY_API_TOKEN on loopback too."),
  maxConnections: field(whole(1, 65_535), 512, "Open connections at a time."),
  maxConnectionsPerAddress: field(
    whole(1, 65_535),
    32,
    "Open connections at a time of one address, loopback excepted.",
  ),
  headersSeconds: field(seconds, 5, "How long a request may take to send its headers, in seconds."),
  requestSeconds: field(seconds, 10, "How long a request may take to arrive whole, in seconds."),
  githubBodyMiB: field(whole(1, 64), 25, "Largest GitHub webhook, inclusive, in MiB."),
  linearBodyMiB: field(whole(1, 64), 2, "Largest Linear webhook, inclusive, in MiB."),
  apiBodyKiB: field(whole(1, 1024), 64, "Largest body of an API request, inclusive, in KiB."),
  shutdownSeconds: field(
    amount(0.1, 60),
    10,
    "How long SIGTERM may take to settle what is in flight, in seconds.",
  ),
});

export const linearGroup = withDefaults({
  apiUrl: field(
    baseUrlForm,
    "https://api.linear.app",
    "Base of Linear's API; GraphQL is at <apiUrl>/graphql, OAuth at <apiUrl>/oauth/token. A value ending in /graphql means its base.",
  ),
  webUrl: field(
    baseUrlForm,
    "https://linear.app",
    "Base of Linear's pages; consent is at <webUrl>/oauth/authorize.",
  ),
});

export const githubGroup = withDefaults({
  apiUrl: field(
    baseUrlForm,
    "https://api.github.com",
    "Base of GitHub's REST API; for Enterprise Server https://HOST/api/v3.",
  ),
  webUrl: field(
    baseUrlForm.nullable(),
    null,
    "Base of GitHub's pages and of git (<webUrl>/<owner>/<name>.git); null is https://github.com, or the host that belongs to apiUrl for Enterprise Server and ghe.com.",
  ),
});

export const runsGroup = withDefaults({
  slots: field(whole(1, 64), 4, "Runs at a time in all."),
  slotsPerProject: field(whole(1, 64), 2, "Runs at a time of one project."),
  stallSeconds: field(seconds, 600, "An agent that says nothing for so long is interrupted, in seconds."),
  prepareMinutes: field(
    amount(0.05, 720),
    15,
    "Limit for fetching, worktree and the hook prepare-worktree, in minutes.",
  ),
  verifyMinutes: field(
    amount(0.05, 720),
    20,
    "Limit for the repository's own tests (hook verify), in minutes.",
  ),
  hookSeconds: field(seconds, 300, "Limit for any other hook, in seconds."),
  maxChangedFiles: field(whole(1, 100_000), 300, "A change of more files is held and a person is asked."),
  maxChangedKiB: field(whole(1, 1_048_576), 2048, "A larger change is held and a person is asked, in KiB."),
});

export const ciGroup = withDefaults({
  settleSeconds: field(
    amount(0, 3600),
    30,
    "Wait after the last check has finished: more may still appear, in seconds.",
  ),
  noChecksSeconds: field(
    amount(0, 86_400),
    120,
    "A head without any check after so long has no CI and counts as green, in seconds.",
  ),
  reruns: field(whole(0, 5), 1, "Reruns of failed jobs before an agent is charged with the failure."),
});

export const outboxGroup = withDefaults({
  maxAttempts: field(
    whole(1, 1000),
    20,
    "Tries of one effect before it waits for an operator. Rate limits do not count.",
  ),
  firstRetrySeconds: field(seconds, 2, "Wait before the second try; doubles with each, in seconds."),
  maxRetrySeconds: field(seconds, 900, "Longest wait between two tries, in seconds."),
});

export const inboxGroup = withDefaults({
  maxAttempts: field(whole(1, 100), 5, "Tries of one delivery before it is quarantined."),
});

export const storageGroup = withDefaults({
  minFreeMiB: field(mebibytes, 256, "With less free disk webhooks are answered 503, in MiB."),
  stopRunsBelowMiB: field(mebibytes, 1024, "With less free disk no run is started, in MiB."),
  keepDeliveriesDays: field(days, 14, "How long bodies of webhooks are kept, in days."),
  keepDigestsDays: field(days, 90, "How long ids and digests of webhooks are kept against replay, in days."),
  keepJournalDays: field(days, 90, "How long the journal of a finished issue is kept, in days."),
  keepRunEventsDays: field(days, 30, "How long events and logs of finished runs are kept, in days."),
});

export const sweepGroup = withDefaults({
  activeSeconds: field(
    seconds,
    60,
    "How often the truth about an issue that something is happening to is polled, in seconds.",
  ),
  waitingSeconds: field(seconds, 300, "How often for an issue that waits, in seconds."),
  idleSeconds: field(seconds, 1800, "How often for an issue that nothing is expected of, in seconds."),
});

export const limitsGroup = withDefaults({
  githubWritesPerMinute: field(whole(1, 10_000), 60, "Writing requests to GitHub per minute."),
  githubWritesPerHour: field(whole(1, 100_000), 400, "Writing requests to GitHub per hour."),
  githubConcurrent: field(whole(1, 100), 20, "Requests to GitHub at a time."),
  requestConnectSeconds: field(
    seconds,
    5,
    "How long a request to Linear or GitHub may take to connect, in seconds.",
  ),
  requestTotalSeconds: field(
    seconds,
    15,
    "How long a request to Linear or GitHub may take in all, in seconds.",
  ),
  runsPerIssuePerHour: field(whole(1, 1000), 6, "Breaker against loops: runs of one issue per hour."),
});

export const logGroup = withDefaults({
  level: field(
    z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    "info",
    "Least severe log line that is written.",
  ),
});

export const pricingGroup = z
  .record(
    z.string().min(1),
    z.strictObject({
      input: amount(0, 10_000).describe("US dollars per million input tokens."),
      cached: amount(0, 10_000)
        .optional()
        .describe("US dollars per million input tokens read from the provider's cache; default: as input."),
      output: amount(0, 10_000).describe("US dollars per million output tokens."),
    }),
  )
  .refine((models) => Object.keys(models).length <= 100, "expected at most 100 models");
