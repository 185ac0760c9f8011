import * as z from "zod";
import { amount, field, whole, withDefaults } from "./fields.ts";
import { HTTP_FIELDS, LIMITS_FIELDS } from "../sources/sources.ts";
import { hostForm, publicUrlForm } from "./forms.ts";

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
  port: field(whole(0, 65_535), 8787, "TCP port to listen on; 0: any free port."),
  publicUrl: field(
    publicUrlForm.nullable(),
    null,
    "URL under which webhooks, people and OAuth reach this relay from outside; null if they do not.",
  ),
  requireToken: field(z.boolean(), false, "Require PATCHRELAY_API_TOKEN on loopback too."),
  maxConnections: field(whole(1, 65_535), 512, "Maximum open connections."),
  maxConnectionsPerAddress: field(
    whole(1, 65_535),
    32,
    "Maximum open connections per address, except loopback.",
  ),
  headersSeconds: field(seconds, 5, "How long a request may take to send its headers, in seconds."),
  requestSeconds: field(seconds, 10, "How long a request may take to arrive completely, in seconds."),
  ...HTTP_FIELDS,
  apiBodyKiB: field(whole(1, 1024), 64, "Largest body of an API request, inclusive, in KiB."),
  shutdownSeconds: field(
    amount(0.1, 60),
    10,
    "How long a shutdown may take to finish work in flight, in seconds.",
  ),
});

export const runsGroup = withDefaults({
  slots: field(whole(1, 64), 4, "Concurrent runs in total."),
  slotsPerProject: field(whole(1, 64), 2, "Concurrent runs per project."),
  stallSeconds: field(seconds, 600, "Silence after which an agent is interrupted, in seconds."),
  prepareMinutes: field(
    amount(0.05, 720),
    15,
    "Time limit for fetching, the worktree and the hook prepare-worktree, in minutes.",
  ),
  verifyMinutes: field(
    amount(0.05, 720),
    20,
    "Time limit for the repository's own tests (hook verify), in minutes.",
  ),
  hookSeconds: field(seconds, 300, "Time limit for any other hook, in seconds."),
  maxChangedFiles: field(
    whole(1, 100_000),
    300,
    "Changed files above which a change is held and a person is asked.",
  ),
  maxChangedKiB: field(
    whole(1, 1_048_576),
    2048,
    "Size above which a change is held and a person is asked, in KiB.",
  ),
});

export const ciGroup = withDefaults({
  settleSeconds: field(
    amount(0, 3600),
    30,
    "Wait after the last check finishes, since more may still appear, in seconds.",
  ),
  noChecksSeconds: field(
    amount(0, 86_400),
    120,
    "Time after which a head without any checks counts as having no CI, and so as green, in seconds. Where checks are known to run they are waited for instead, and after half an hour a person is asked.",
  ),
  reruns: field(whole(0, 5), 1, "Reruns of failed jobs before an agent repairs the failure."),
});

export const outboxGroup = withDefaults({
  maxAttempts: field(
    whole(1, 1000),
    20,
    "Attempts at an effect before it waits for an operator. Rate limits do not count.",
  ),
  firstRetrySeconds: field(seconds, 2, "Wait before the second attempt; doubles each time, in seconds."),
  maxRetrySeconds: field(seconds, 900, "Longest wait between attempts, in seconds."),
});

export const inboxGroup = withDefaults({
  maxAttempts: field(whole(1, 100), 5, "Attempts at a delivery before it is quarantined."),
});

export const storageGroup = withDefaults({
  minFreeMiB: field(mebibytes, 256, "Free disk space below which webhooks are answered 503, in MiB."),
  stopRunsBelowMiB: field(mebibytes, 1024, "Free disk space below which no run starts, in MiB."),
  keepDeliveriesDays: field(days, 14, "How long bodies of webhooks are kept, in days."),
  keepDigestsDays: field(days, 90, "How long ids and digests of webhooks are kept against replay, in days."),
  keepJournalDays: field(days, 90, "How long the journal of a finished issue is kept, in days."),
  keepRunEventsDays: field(days, 30, "How long events and logs of finished runs are kept, in days."),
});

export const sweepGroup = withDefaults({
  activeSeconds: field(seconds, 60, "How often an active issue is polled, in seconds."),
  waitingSeconds: field(seconds, 300, "How often an issue that is waiting is polled, in seconds."),
  idleSeconds: field(seconds, 1800, "How often any other issue is polled, in seconds."),
  pollSeconds: field(amount(5, 3600), 15, "With webhooks off: how often news is looked for, in seconds."),
});

export const limitsGroup = withDefaults({
  ...LIMITS_FIELDS,
  requestConnectSeconds: field(
    seconds,
    5,
    "How long a request to Linear or GitHub may take to connect, in seconds.",
  ),
  requestTotalSeconds: field(
    seconds,
    15,
    "How long a request to Linear or GitHub may take in total, in seconds.",
  ),
  runsPerIssuePerHour: field(whole(1, 1000), 6, "Loop breaker: runs per issue and hour."),
});

export const logGroup = withDefaults({
  level: field(
    z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]),
    "info",
    "Minimum level of log lines.",
  ),
});

export const pricingGroup = z
  .record(
    z.string().min(1),
    z.strictObject({
      input: amount(0, 10_000).describe("US dollars per million input tokens."),
      cached: amount(0, 10_000)
        .optional()
        .describe(
          "US dollars per million input tokens read from the provider's cache; default: the price of input.",
        ),
      output: amount(0, 10_000).describe("US dollars per million output tokens."),
    }),
  )
  .refine((models) => Object.keys(models).length <= 100, "expected at most 100 models");
