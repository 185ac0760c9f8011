import { afterEach, describe, expect, it } from "vitest";
import { mayFollow } from "../../src/forges/github/read/job-log.ts";
import { excerptOf } from "../../src/forges/github/read/log-excerpt.ts";
import { jobIn, workflowRunIn } from "../../src/forges/github/events/vocabulary.ts";
import type { Asked, Loopback, Reply } from "./github-loopback.ts";
import { forgeAt, NEVER, startLoopback } from "./github-loopback.ts";

const SHA = "a".repeat(40);

let server: Loopback | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

const run = (
  id: number,
  name: string,
  conclusion: string,
  url: string | null = null,
): Record<string, unknown> => ({
  id,
  name,
  conclusion,
  details_url: url,
  output: { title: null, summary: null, annotations_count: 0 },
});
const jobUrl = (id: number): string => `https://github.com/acme/app/actions/runs/8800/job/${id}`;

async function failuresOf(
  answers: { readonly runs?: readonly unknown[]; readonly statuses?: readonly unknown[] },
  more: (asked: Asked) => Reply | undefined = () => undefined,
  names: readonly string[] = [],
) {
  server = await startLoopback((asked) => {
    const given = more(asked);
    if (given !== undefined) return given;
    if (asked.path.includes("/check-runs?")) return { body: { check_runs: answers.runs ?? [] } };
    if (asked.path.includes("/status?")) return { body: { statuses: answers.statuses ?? [] } };
    return undefined;
  });
  return forgeAt(server.url).checkFailures("acme/app", SHA, names, NEVER);
}

describe("what failed on a commit", () => {
  // cli/cli#12597: a fine-grained token may see the jobs of GitHub Actions, but no check runs.
  it("is told by the jobs of GitHub Actions where check runs are not shown", async () => {
    const refused = { status: 403, body: { message: "Resource not accessible by personal access token" } };
    const job = { id: 41, name: "unit", status: "completed", conclusion: "failure", html_url: jobUrl(41) };
    const found = await failuresOf({}, ({ path }) => {
      if (path.includes("/check-runs?")) return refused;
      if (path.includes("/actions/runs/8800/jobs")) return { body: { jobs: [job] } };
      if (path.includes("/actions/runs?")) return { body: { workflow_runs: [{ id: 8800 }] } };
      return undefined;
    });
    expect(found).toEqual([
      { check: "unit", conclusion: "failure", url: jobUrl(41), summary: null, log: null },
    ]);
  });

  it("has the end of the job's log, fetched without our credential", async () => {
    const found = await failuresOf(
      { runs: [run(1, "unit", "failure", jobUrl(41)), run(2, "build", "success")] },
      (asked) => {
        if (asked.path === "/repos/acme/app/actions/jobs/41/logs")
          return { status: 302, headers: { location: `${server?.url}/storage/41?sig=x` }, body: "" };
        return asked.path.startsWith("/storage/")
          ? { body: "2026-11-20T10:00:00.1234567Z it broke\n" }
          : undefined;
      },
    );
    expect(found).toEqual([
      { check: "unit", conclusion: "failure", url: jobUrl(41), summary: null, log: "it broke" },
    ]);
    const stored = server?.asked.find((asked) => asked.path.startsWith("/storage/"));
    expect(stored).toBeDefined();
    expect(stored?.headers).not.toHaveProperty("authorization");
  });

  it("does without a log that is gone, or that lies where we do not go", async () => {
    const at = (location: string) => (asked: Asked) =>
      asked.path.endsWith("/logs") ? { status: 302, headers: { location }, body: "" } : undefined;
    const runs = [run(1, "unit", "failure", jobUrl(41))];
    expect(await failuresOf({ runs })).toMatchObject([{ check: "unit", log: null }]);
    await server?.close();
    expect(await failuresOf({ runs }, at("http://169.254.169.254/latest"))).toMatchObject([{ log: null }]);
  });

  it("has the summary and the annotations, without what could hide", async () => {
    const noted = {
      ...run(3, "lint", "failure"),
      output: { title: "2 problems", summary: "see\u202e below\u0000", annotations_count: 1 },
    };
    const found = await failuresOf({ runs: [noted] }, (asked) =>
      asked.path.includes("/check-runs/3/annotations")
        ? { body: [{ path: "src/map.ts", start_line: 3, annotation_level: "failure", message: "unused" }] }
        : undefined,
    );
    expect(found).toMatchObject([
      { summary: "2 problems\nsee below\nsrc/map.ts:3: failure: unused", log: null },
    ]);
  });

  it("takes failing commit statuses too", async () => {
    const statuses = [
      { context: "legacy/ci", state: "error", description: "no", target_url: "https://ci.example.com/1" },
      { context: "fine", state: "success" },
    ];
    expect(await failuresOf({ statuses })).toEqual([
      { check: "legacy/ci", conclusion: "error", url: "https://ci.example.com/1", summary: "no", log: null },
    ]);
  });

  it("leaves out what was not asked for, was cancelled, or is more than five", async () => {
    const runs = [run(1, "other", "failure"), run(2, "unit", "cancelled"), run(3, "unit", "failure")];
    expect(await failuresOf({ runs }, () => undefined, ["unit"])).toMatchObject([
      { check: "unit", conclusion: "failure" },
    ]);
    await server?.close();
    const many = Array.from({ length: 9 }, (_, index) => run(index + 1, `c${index}`, "failure"));
    expect(await failuresOf({ runs: many })).toHaveLength(5);
  });

  it("finds what failed among as many checks as a reading sees", async () => {
    const runs = Array.from({ length: 950 }, (_, index) =>
      run(index + 1, `c${index}`, index === 940 ? "failure" : "success"),
    );
    const found = await failuresOf({}, (asked) => {
      const page = Number(/[?&]page=(\d+)/.exec(asked.path)?.[1] ?? 0);
      return asked.path.includes("/check-runs?")
        ? { body: { check_runs: runs.slice((page - 1) * 100, page * 100) } }
        : undefined;
    });
    expect(found).toMatchObject([{ check: "c940", conclusion: "failure" }]);
  });

  it("is not there while GitHub cannot be asked", async () => {
    await expect(failuresOf({}, () => ({ status: 503, body: {} }))).rejects.toMatchObject({
      kind: "unavailable",
    });
  });
});

describe("an excerpt of a log", () => {
  it("has no timestamps, colours or hidden characters", () => {
    const raw =
      "\uFEFF2026-11-20T10:00:00.1234567Z \u001b[31mred\u001b[0m te\u200bxt\r\n2026-11-20T10:00:01Z \u001b]0;title\u0007tab\tstays\n";
    expect(excerptOf(raw)).toBe("red text\ntab\tstays");
  });

  it("ends a little after the last error: what follows is cleaning up", () => {
    const lines = [
      "start",
      "##[error]Process completed with exit code 1.",
      ...Array.from({ length: 50 }, (_, n) => `post ${n}`),
    ];
    expect(excerptOf(lines.join("\n"))?.split("\n")).toEqual([
      ...lines.slice(0, 2),
      "post 0",
      "post 1",
      "post 2",
      "post 3",
      "post 4",
    ]);
  });

  it("has at most two hundred lines, the last ones", () => {
    const lines = Array.from({ length: 1_000 }, (_, index) => `line ${index}`);
    expect(excerptOf(lines.join("\n"))?.split("\n")).toEqual(lines.slice(800));
  });

  it("has at most 24 KiB, and no broken character at the cut", () => {
    const excerpt = excerptOf(`${"é".repeat(20_000)}x`) ?? "";
    expect(Buffer.byteLength(excerpt)).toBeLessThanOrEqual(24 * 1024);
    expect(excerpt).toMatch(/^é+x$/);
  });

  it("is nothing when there is nothing", () => {
    expect(excerptOf("\n 2026\u001b[0m".replace("2026", ""))).toBeNull();
  });
});

describe("where a log may be fetched from", () => {
  const api = "https://api.github.com";
  it.each([
    ["https://pipelines.actions.githubusercontent.com/x?sig=1", true],
    ["https://results.blob.core.windows.net/actions/1", true],
    ["https://api.github.com/storage/1", true],
    ["http://results.blob.core.windows.net/1", false],
    ["https://169.254.169.254/latest/meta-data", false],
    ["https://127.0.0.1/x", false],
    ["https://[::1]/x", false],
    ["https://2130706433/x", false],
    ["https://localhost/x", false],
    ["https://db.internal/x", false],
    ["https://host.example.com:8443/x", false],
    ["https://user:pw@host.example.com/x", false],
    ["file:///etc/passwd", false],
    ["/relative", false],
  ])("%s: %s", (location, allowed) => {
    expect(mayFollow(location, api) !== null).toBe(allowed);
  });

  it("is this very machine only when GitHub itself is", () => {
    expect(mayFollow("http://127.0.0.1:4000/log", "http://127.0.0.1:4000")).not.toBeNull();
    expect(mayFollow("http://127.0.0.1:4001/log", "http://127.0.0.1:4000")).toBeNull();
  });
});

describe("the URL of a job", () => {
  it.each([
    ["https://github.com/acme/app/actions/runs/8800/job/41", "8800", "41"],
    ["https://github.com/acme/app/actions/runs/8800/job/41?pr=7", "8800", "41"],
    ["https://github.com/acme/app/actions/runs/8800", "8800", null],
    ["https://ci.example.com/runs/8800", null, null],
    [null, null, null],
  ])("%s names run %s and job %s", (url, workflowRun, job) => {
    expect([workflowRunIn(url), jobIn(url)]).toEqual([workflowRun, job]);
  });
});
