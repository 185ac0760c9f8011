// A stand-in for `codex app-server` that misbehaves as the variable FAKE says. Run as the agent's `bin`
// (test/agents/fake-bin.ts makes a program of it); it imports nothing of ours.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: unknown;
}

type Act = (message: Message) => void;
type Behaviour = Readonly<Record<string, Act>>;

const THREAD = "T1";
const TURN = "U1";
const REPORT = JSON.stringify({ outcome: "done", summary: "did it", question: null, threads: [] });
const limitsRead = { primary: { usedPercent: 100, resetsAt: 1_767_229_200 }, secondary: null };

const raw = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const send = (message: unknown): void => raw(JSON.stringify(message));
const reply = (message: Message, result: unknown): void => send({ id: message.id, result });
const refuse = (message: Message, text: string, code = -32_600): void =>
  send({ id: message.id, error: { code, message: text } });
const tell = (method: string, params: unknown): void => send({ method, params });
const note = (text: string): void => tell("warning", { threadId: null, message: text });

const itemDone = (item: unknown, turnId = TURN): void =>
  tell("item/completed", { threadId: THREAD, turnId, item });
const says = (text: string, phase: string | null = "final_answer"): void =>
  itemDone({ type: "agentMessage", id: `m${text.length}`, text, phase });
const command = (output: string, exitCode: number): void =>
  itemDone({
    type: "commandExecution",
    id: "c1",
    command: "ls",
    status: exitCode === 0 ? "completed" : "failed",
    aggregatedOutput: output,
    exitCode,
    durationMs: 5,
  });
const completed = (status = "completed", more: Readonly<Record<string, unknown>> = {}): void =>
  tell("turn/completed", { threadId: THREAD, turn: { id: TURN, status, error: null, items: [], ...more } });
const failed = (codexErrorInfo: unknown, message = "no luck"): void =>
  completed("failed", { error: { message, codexErrorInfo } });
const usage = (input: number, output: number): void => {
  const tokens = {
    totalTokens: input + output,
    inputTokens: input,
    cachedInputTokens: 0,
    outputTokens: output,
  };
  tell("thread/tokenUsage/updated", {
    threadId: THREAD,
    turnId: TURN,
    tokenUsage: { total: tokens, last: tokens, modelContextWindow: null },
  });
};
const startTurn = (message: Message): void =>
  reply(message, { turn: { id: TURN, status: "inProgress", items: [] } });
const good = (): void => {
  says(REPORT);
  completed();
};

/** A turn that starts as it should and goes on as `act` says. */
const turn = (act: () => void): Behaviour => ({
  "turn/start": (message) => {
    startTurn(message);
    act();
  },
});
const dies = (): void => process.exit(7);
/** Exits only after everything is written. */
const diesAfter = (): void => {
  process.stdout.write("", () => process.exit(7));
};
const earlierTurn =
  (status: string): Act =>
  (message) =>
    reply(message, {
      data: [
        {
          id: "U0",
          status,
          items: [
            { type: "userMessage", id: "u", clientId: "prompt-1", content: [] },
            { type: "agentMessage", id: "m", text: REPORT, phase: "final_answer" },
          ],
        },
      ],
      nextCursor: null,
    });

let held = 2;

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  well: {},
  version: {},
  never_answers_initialize: { initialize: () => note("silent") },
  dies_at_initialize: { initialize: dies },
  refuses_initialize: { initialize: (message) => refuse(message, "Already initialized") },
  dies_at_thread_start: { "thread/start": dies },
  refuses_thread_start: { "thread/start": (message) => refuse(message, "failed to load configuration: x") },
  malformed_thread_start: { "thread/start": (message) => reply(message, { thread: "T1" }) },
  dies_at_turn_start: { "turn/start": dies },
  refuses_turn_start: { "turn/start": (message) => refuse(message, "thread not found: T1") },
  never_answers_turn_start: { "turn/start": () => note("silent") },
  dies_after_turn_start_reply: turn(diesAfter),
  dies_mid_turn: turn(() => {
    says("working", "commentary");
    process.stderr.write("\u001B[31mpanic\u001B[0m: key hunter2-key leaked\n", () => diesAfter());
  }),
  killed_mid_turn: turn(() => {
    process.stdout.write("", () => process.kill(process.pid, "SIGKILL"));
  }),
  half_a_line_then_dies: turn(() => {
    process.stdout.write('{"method":"turn/comp', () => process.exit(0));
  }),
  completes_then_dies: turn(() => {
    good();
    diesAfter();
  }),
  completes_before_the_reply: {
    "turn/start": (message) => {
      good();
      startTurn(message);
    },
  },
  answers_twice: {
    "turn/start": (message) => {
      startTurn(message);
      startTurn(message);
      reply(message, { turn: { id: "U9", status: "inProgress", items: [] } });
      good();
    },
  },
  completes_an_old_turn: turn(() => {
    tell("turn/completed", {
      threadId: THREAD,
      turn: { id: "U0", status: "failed", error: null, items: [] },
    });
    good();
  }),
  completes_another_thread: turn(() => {
    tell("turn/completed", { threadId: "T0", turn: { id: TURN, status: "failed", error: null, items: [] } });
    good();
  }),
  completes_twice: turn(() => {
    good();
    failed("other");
  }),
  garbage: turn(() => {
    raw("this is no JSON");
    raw("[1,2]");
    raw("null");
    raw("");
    send({ id: 999, result: {} });
    send({ id: "x", error: { code: 1 } });
    send({ nothing: true });
    good();
  }),
  five_megabytes: turn(() => {
    command("x".repeat(5 * 1024 * 1024), 0);
    good();
  }),
  nine_megabytes: turn(() => {
    command("x".repeat(9 * 1024 * 1024), 0);
    good();
  }),
  unknown_things: turn(() => {
    tell("thread/somethingNew", { a: 1 });
    itemDone({ type: "hologram", id: "h" });
    tell("turn/completed", "what?");
    tell("item/completed", null);
    good();
  }),
  unknown_request: {
    ...turn(() => send({ id: 0, method: "player/choose", params: {} })),
    answer: (message) => {
      if (message.id === 0 && message.error !== undefined) good();
      else failed("other", "answered wrongly");
    },
  },
  asks_for_approval: {
    ...turn(() => send({ id: 0, method: "item/commandExecution/requestApproval", params: {} })),
    answer: (message) => {
      const { decision } = (message.result ?? {}) as { decision?: unknown };
      if (message.id === 0 && decision === "decline") good();
      else failed("other", "approved");
    },
  },
  error_then_completion: turn(() => {
    tell("error", {
      threadId: THREAD,
      turnId: TURN,
      willRetry: true,
      error: { message: "Reconnecting... 1/2", codexErrorInfo: "other" },
    });
    good();
  }),
  error_then_bare_failure: turn(() => {
    tell("error", {
      threadId: THREAD,
      turnId: TURN,
      willRetry: false,
      error: { message: "slow down", codexErrorInfo: "serverOverloaded" },
    });
    completed("failed");
  }),
  usage_limit: turn(() => {
    tell("account/rateLimits/updated", { rateLimits: limitsRead });
    failed("usageLimitExceeded", "You've hit your usage limit.");
  }),
  rate_limit: turn(() => failed("rateLimitExceeded", "Rate limit reached, try again in 1.5s")),
  too_many: turn(() => failed({ responseTooManyFailedAttempts: { httpStatusCode: 429 } })),
  unauthorized: turn(() => failed({ httpConnectionFailed: { httpStatusCode: 401 } })),
  refused_connection: turn(() => failed({ httpConnectionFailed: { httpStatusCode: null } })),
  context_window: turn(() => failed("contextWindowExceeded")),
  new_kind_of_failure: turn(() => failed({ moonPhase: { full: true } })),
  completes_without_a_word: turn(() => completed()),
  words_only: turn(() => {
    says("I thought about it.");
    completed();
  }),
  fenced_report: turn(() => {
    says(`Here you are:\n\`\`\`json\n${REPORT}\n\`\`\`\nBye.`);
    says("one more thing", "commentary");
    completed();
  }),
  interrupts_itself: turn(() => completed("interrupted")),
  unknown_status: turn(() => completed("evaporated")),
  nothing_starts: turn(() => {
    command("bwrap: execvp codex-linux-sandbox: No such file or directory", 1);
    command("bwrap: execvp codex-linux-sandbox: No such file or directory", 1);
    good();
  }),
  one_command_starts: turn(() => {
    command("bwrap: execvp codex-linux-sandbox: No such file or directory", 1);
    command("fine", 0);
    good();
  }),
  waits: turn(() => note("waiting")),
  spends: turn(() => {
    usage(900, 50);
    usage(1_900, 200);
  }),
  ignores_interrupt: {
    ...turn(() => note("waiting")),
    "turn/interrupt": () => note("interrupt ignored"),
  },
  dies_at_interrupt: { ...turn(() => note("waiting")), "turn/interrupt": dies },
  acknowledges_interrupt_only: {
    ...turn(() => note("waiting")),
    "turn/interrupt": (message) => {
      reply(message, {});
      note("interrupt ignored");
    },
  },
  completes_at_interrupt: {
    ...turn(() => note("waiting")),
    "turn/interrupt": (message) => {
      refuse(message, "no active turn to interrupt");
      good();
    },
  },
  never_cleans: { ...turn(good), "thread/backgroundTerminals/clean": () => note("not cleaning") },
  steer_too_late: {
    ...turn(() => note("waiting")),
    "turn/steer": (message) => refuse(message, "expected active turn id `U1` but found `U2`"),
  },
  never_answers_steer: { ...turn(() => note("waiting")), "turn/steer": () => note("not steering") },
  steers: {
    ...turn(() => note("waiting")),
    "turn/steer": (message) => {
      const { clientUserMessageId, expectedTurnId, input } = message.params ?? {};
      reply(message, { turnId: TURN });
      says(JSON.stringify([clientUserMessageId, expectedTurnId, input]));
      completed();
    },
  },
  leaves_a_child: {
    "turn/start": (message) => {
      startTurn(message);
      const [part] = (message.params?.["input"] ?? []) as readonly { text?: string }[];
      // It holds a connection for as long as it lives, and answers once it is there.
      const code = `require("node:net").connect(${Number(part?.text)}, "127.0.0.1")`;
      spawn(process.execPath, ["-e", code], { stdio: "ignore" });
      good();
    },
  },
  ignores_sigterm: turn(() => {
    process.on("SIGTERM", () => note("no"));
    setInterval(() => undefined, 1_000);
    good();
  }),
  thread_is_gone: {
    "thread/resume": (message) => refuse(message, "no rollout found for thread id T0"),
  },
  thread_is_archived: {
    "thread/resume": (message) => refuse(message, "session T0 is archived. Run codex unarchive"),
  },
  thread_is_held: {
    "thread/resume": (message) => {
      held -= 1;
      if (held >= 0) refuse(message, "thread T1 already has an active writer");
      else reply(message, { thread: { id: THREAD } });
    },
  },
  prompt_was_done: {
    "thread/turns/list": earlierTurn("completed"),
    "turn/start": (message) => refuse(message, "asked twice"),
  },
  prompt_was_interrupted: {
    "thread/turns/list": earlierTurn("interrupted"),
    ...echoesPrompt(),
  },
  no_turn_yet: {
    "thread/turns/list": (message) => refuse(message, "list_turns is not supported yet", -32_601),
    ...echoesPrompt(),
  },
  shows_params: {
    "thread/start": (message) => {
      note(JSON.stringify(message.params));
      reply(message, { thread: { id: THREAD }, model: "fake-1" });
    },
    "turn/start": (message) => {
      startTurn(message);
      note(JSON.stringify(message.params));
      note(JSON.stringify(Object.keys(process.env).toSorted()));
      good();
    },
  },
};

function echoesPrompt(): Behaviour {
  return {
    "turn/start": (message) => {
      startTurn(message);
      const [part] = (message.params?.["input"] ?? []) as readonly { text?: string }[];
      says(part?.text ?? "");
      completed();
    },
  };
}

const USUAL: Behaviour = {
  initialize: (message) => reply(message, { userAgent: "fake/0" }),
  "thread/start": (message) => reply(message, { thread: { id: THREAD }, model: "fake-1" }),
  "thread/resume": (message) => reply(message, { thread: { id: THREAD }, model: "fake-1" }),
  "thread/turns/list": (message) => reply(message, { data: [], nextCursor: null }),
  ...turn(good),
  "turn/interrupt": (message) => {
    reply(message, {});
    completed("interrupted");
  },
  "turn/steer": (message) => refuse(message, "no active turn to steer"),
  "thread/backgroundTerminals/clean": (message) => reply(message, {}),
};

if (process.argv.includes("--version")) {
  process.stdout.write("fake 0\n");
} else {
  const name = process.env["FAKE"] ?? "well";
  const behaviour = BEHAVIOURS[name];
  if (behaviour === undefined) throw new Error(`there is no behaviour ${name}`);
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  lines.on("line", (line) => {
    const message = JSON.parse(line) as Message;
    const key = message.method ?? "answer";
    (behaviour[key] ?? USUAL[key])?.(message);
  });
  // Like the real one: it ends when nobody talks to it any more (unless a behaviour keeps it).
}
