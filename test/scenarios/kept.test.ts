import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { LINEAR_SECRET, GITHUB_SECRET } from "../../src/demo/webhook-secrets.ts";
import { startStory, type Story } from "../story/story.ts";

async function send(
  story: Story,
  headers: Record<string, string>,
  path: string,
  body: string,
): Promise<number> {
  const response = await fetch(`${story.relay.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
    signal: AbortSignal.timeout(10_000),
  });
  await response.arrayBuffer();
  return response.status;
}

function fromGitHub(story: Story, event: string, id: string, body: string): Promise<number> {
  const signature = `sha256=${createHmac("sha256", GITHUB_SECRET).update(body).digest("hex")}`;
  const headers = { "x-github-event": event, "x-github-delivery": id, "x-hub-signature-256": signature };
  return send(story, headers, "/webhooks/github", body);
}

function fromLinear(story: Story, event: string, id: string, content: object): Promise<number> {
  const body = JSON.stringify({ ...content, webhookTimestamp: story.clock.now() });
  const signature = createHmac("sha256", LINEAR_SECRET).update(body).digest("hex");
  const headers = { "linear-event": event, "linear-delivery": id, "linear-signature": signature };
  return send(story, headers, "/webhooks/linear", body);
}

const seen = async (story: Story, id: string) => {
  const [delivery] = await story.engine.views.delivery(id);
  return { state: delivery?.state, why: delivery?.why };
};

test("signed deliveries that cannot be read or used are kept and explained, and disturb nothing", async () => {
  const story = await startStory();
  const { ada } = story;
  expect(await fromGitHub(story, "push", "no-json", "this is no JSON")).toBe(200);
  expect(await fromGitHub(story, "push", "no-object", "[1, 2]")).toBe(200);
  expect(await fromGitHub(story, "star", "of-no-use", '{"action":"created"}')).toBe(200);
  expect(await fromLinear(story, "Reaction", "also-of-no-use", { action: "create", type: "Reaction" })).toBe(
    200,
  );
  // The right event of our workspace, but not in the form that Linear documents: the interpreter cannot read it.
  const { organizationId } = story.linear.installation;
  const poison = { action: "created", type: "AgentSessionEvent", organizationId };
  expect(await fromLinear(story, "AgentSessionEvent", "poison", poison)).toBe(200);
  ada.writes("Add a discount");
  ada.delegates();
  await story.until("awaiting_review");
  await story.sees(async () => (await seen(story, "poison")).state === "quarantined", true);
  const ids = ["no-json", "no-object", "of-no-use", "also-of-no-use", "poison"];
  expect(await Promise.all(ids.map(async (id) => await seen(story, id)))).toMatchInlineSnapshot(`
    [
      {
        "state": "quarantined",
        "why": "the body is not a JSON object",
      },
      {
        "state": "quarantined",
        "why": "the body is not a JSON object",
      },
      {
        "state": "ignored",
        "why": "it says nothing about a pull request",
      },
      {
        "state": "ignored",
        "why": "a reaction asks for nothing",
      },
      {
        "state": "quarantined",
        "why": "the body is not what Linear documents at appUserId: Invalid input: expected string, received undefined",
      },
    ]
  `);
  await story.end({ quarantined: 3, errors: /poison/ });
});

test("an issue of no configured project is kept and explained, and taken up once a project takes it", async () => {
  const story = await startStory();
  const { ada } = story;
  ada.writes("Mend the server", { team: "OPS" });
  ada.delegates("OPS-1");
  await story.until("awaiting_input", "OPS-1");
  await story.rests();
  expect(story.toldAs("elicitation", "OPS-1")).toMatchInlineSnapshot(`
    [
      "elicitation: No configured project takes issues from team OPS. I'm waiting for a project that accepts this team, or a different team.",
    ]
  `);
  expect(await story.issue("OPS-1")).toMatchObject({ rule: "unrouted", project: null });
  const deliveries = await story.engine.views.deliveries(
    { state: "applied", source: "linear" },
    { limit: 50, cursor: null },
  );
  expect(deliveries.items.length).toBeGreaterThan(0);
  await story.configure({}, { linear: { teams: ["APP", "OPS"] } });
  await story.restart();
  await story.inTime("awaiting_review", "OPS-1");
  await story.end();
});

test("a repository without the configured base branch is explained, and taken up once it has it", async () => {
  const story = await startStory({ project: { repository: { baseBranch: "release" } } });
  const { ada, grace } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.until("awaiting_input");
  await story.rests();
  expect((await story.issue())?.why).toMatchInlineSnapshot(
    `"The repository cannot be used: acme/shop has no branch "release": set repository.baseBranch to one that exists, or to null for the default branch."`,
  );
  await grace.pushes("release", { "src/release.txt": "1\n" });
  await story.inTime("awaiting_review");
  expect(story.github.pullRequest(1).fields.baseRef).toBe("release");
  await story.end();
});

test("a repository that the relay may not see is explained, and taken up once it may", async () => {
  const story = await startStory();
  const { ada, github } = story;
  github.setPermission("acme/shop", github.credentials.botLogin, "none");
  ada.writes("Add a discount");
  ada.delegates();
  await story.inTime("awaiting_input");
  await story.rests();
  expect((await story.issue())?.rule).toBe("repository_problem");
  expect(story.toldAs("elicitation")).toHaveLength(1);
  github.setPermission("acme/shop", github.credentials.botLogin, "write");
  await story.inTime("awaiting_review");
  await story.end();
});

test("a repository that is out of sight for a while after the pull request was opened is worked with again", async () => {
  const story = await startStory();
  const { ada, github } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.until("awaiting_review");
  await story.rests();
  github.setPermission("acme/shop", github.credentials.botLogin, "none");
  ada.says("Please do the docs too.");
  await story.until(({ rule }) => rule === "repository_problem");
  github.setPermission("acme/shop", github.credentials.botLogin, "write");
  await story.inTime(({ state, run }) => state === "awaiting_review" && run === null);
  expect((await story.ran()).at(-1)).toBe("implementation published");
  expect((await story.facts()).project?.problem?.value).toBeNull();
  await story.end();
});

test("a pull request that can no longer be read is explained, and kept again once it can", async () => {
  const story = await startStory();
  const { ada, grace, github } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.until("awaiting_review");
  await story.rests();
  github.setPermission("acme/shop", github.credentials.botLogin, "none");
  await story.inTime(({ rule }) => rule === "repository_problem");
  expect((await story.issue())?.why).toContain("pull request 1 of acme/shop cannot be read");
  github.setPermission("acme/shop", github.credentials.botLogin, "write");
  await story.inTime("awaiting_review");
  await grace.approves();
  await story.inTime("done");
  await story.end();
});

test("a parent is started once its sub-issue is done", async () => {
  const story = await startStory();
  const { ada, linear } = story;
  ada.writes("Sell cheaper");
  linear.createIssue({ team: "APP", title: "Decide on the discount", parent: "APP-1", by: "Ada" });
  ada.delegates();
  await story.until(({ rule }) => rule === "implement/sub_issues_open");
  await story.rests();
  expect((await story.issue())?.why).toContain("Its sub-issue APP-2 is not done.");
  expect(story.toldAs("thought").at(-1)).toContain("I'm waiting for APP-2 to be completed before I start.");
  expect(await story.ran()).toEqual([]);
  ada.moves("completed", "APP-2");
  await story.inTime("awaiting_review");
  await story.end();
});

test("an issue that another one blocks is started once that is done", async () => {
  const story = await startStory();
  const { ada, linear } = story;
  ada.writes("Add a discount");
  ada.writes("Decide on the discount");
  linear.addBlocker("APP-1", "APP-2", "Ada");
  ada.delegates();
  await story.until(({ rule }) => rule === "implement/blocked");
  await story.rests();
  expect((await story.issue())?.waitsFor).toContain("APP-2");
  expect(await story.ran()).toEqual([]);
  ada.moves("completed", "APP-2");
  // No webhook tells it to this issue: the sweep does.
  await story.inTime("awaiting_review");
  await story.end();
});
