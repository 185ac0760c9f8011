import type {
  Agent,
  AgentReport,
  AgentResult,
  AgentSession,
  WorkRequest,
} from "../../../src/agents/agent.ts";
import { NOTHING_SPENT } from "../../../src/factory/facts/run.ts";
import { MINUTE, SECOND } from "../chance.ts";
import { nothing, pause, type Life } from "../life.ts";
import { edit, type Disk } from "./worktrees.ts";

/** An agent that works for some minutes and then ends in one of the ways in which agents end. */
export function createFakeAgent(life: Life, disk: Disk): Agent {
  const { chance, outside } = life;
  let sessions = 0;
  return {
    name: "scripted",
    async ready() {
      return outside.conditions().agents["scripted"] ?? null;
    },
    async work(request, signal) {
      sessions += 1;
      const thread = request.thread ?? `thread-${request.run}`;
      await pause(life, chance.between(200, 5_000), signal);
      await request.onThread(thread);
      await request.onTurn(`${request.promptId}-${sessions}`);
      if (!life.alive) return await nothing(signal);
      outside.meanwhile(outside.issueOf(request.directory), "works");
      return session(life, disk, request, signal);
    },
  };
}

function session(life: Life, disk: Disk, request: WorkRequest, signal: AbortSignal): AgentSession {
  const { chance } = life;
  const ending = new AbortController();
  let over = false;
  let resolve: (result: AgentResult) => void = () => undefined;
  const result = new Promise<AgentResult>((done) => {
    resolve = done;
  });
  const end = (how: AgentResult): void => {
    if (over) return;
    over = true;
    signal.removeEventListener("abort", interrupt);
    ending.abort(new Error("it has ended"));
    resolve(how);
  };
  const interrupt = (): void => end({ ...COMPLETED, how: "interrupted", detail: "it was told to stop" });
  signal.addEventListener("abort", interrupt, { once: true });
  if (signal.aborted) interrupt();
  life.agenda.after(chance.between(1, 40) * MINUTE, () => {
    if (over || !life.alive) return;
    life.boundary();
    if (life.alive) end(outcome(life, disk, request));
  });
  return {
    async steer() {
      try {
        await pause(life, chance.between(1, 60) * SECOND, ending.signal);
        return !over;
      } catch {
        return false;
      }
    },
    async interrupt() {
      interrupt();
    },
    result,
    async close() {
      interrupt();
    },
  };
}

const COMPLETED: AgentResult = {
  how: "completed",
  failureClass: null,
  retryAt: null,
  detail: "",
  report: null,
  text: "",
  spent: NOTHING_SPENT,
  commands: { ran: 3, unstartable: 0 },
};

const REPORT: AgentReport = { outcome: "done", summary: "It subtracts now.", question: null, threads: [] };

function outcome(life: Life, disk: Disk, request: WorkRequest): AgentResult {
  const { chance, setting } = life;
  const spent = { ...NOTHING_SPENT, input: chance.between(1_000, 400_000) };
  const failed = (failureClass: AgentResult["failureClass"], retryAt: number | null = null): AgentResult => ({
    ...COMPLETED,
    how: "failed",
    failureClass,
    retryAt,
    detail: `It failed: ${failureClass}.`,
    spent,
  });
  const wrote = (): void =>
    edit(disk, request.directory, `w-${request.promptId}-${chance.between(1, 9_999)}`);
  if (chance.that(setting.agent.unlucky)) {
    if (chance.that(0.3)) wrote();
    return chance.pick<AgentResult>([
      failed("infrastructure"),
      failed("capacity", life.clock.now() + chance.between(2, 300) * MINUTE),
      { ...COMPLETED, how: "interrupted", detail: "somebody interrupted it", spent },
      failed("test"),
      failed("agent"),
    ]);
  }
  const how = chance.that(setting.agent.done)
    ? "done"
    : chance.pick(["no_change", "answer", "question", "silent"] as const);
  if (how === "done" || chance.that(0.1)) wrote();
  if (how === "silent") return { ...COMPLETED, spent };
  const question = how === "question" ? { text: "Which one?", options: ["a", "b"] } : null;
  if (question !== null) life.outside.asked(life.outside.issueOf(request.directory));
  return { ...COMPLETED, spent, report: { ...REPORT, outcome: how, question } };
}
