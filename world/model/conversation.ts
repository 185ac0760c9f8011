/** What the model can know of a request without keeping anything: it is all in the history that is sent along. */
export interface Conversation {
  /** Name and arguments of the newest marker `[[scn:NAME {json}]]` in a message of the user; null = none. */
  readonly marker: { readonly name: string; readonly args: Readonly<Record<string, unknown>> } | null;
  /** Messages of the user after the marked one: what was steered in. */
  readonly steered: readonly string[];
  /** Number of tool results since the newest message that carries a marker. */
  readonly step: number;
  /** The texts of those results, oldest first. */
  readonly outputs: readonly string[];
  /** `turn` or `compaction`. */
  readonly kind: string;
}

/** The whole request, for scenarios that need more, and for tests that look at what was sent. */
export interface ModelRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly conversation: Conversation;
}

const MARKER = /\[\[scn:([a-z0-9_-]+)(?:\s+(\{.*?\}))?\]\]/su;

/** Reads the history: which scenario it is in, and how far. Throws on a marker whose arguments are no JSON. */
export function readConversation(
  body: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>>,
): Conversation {
  const input = Array.isArray(body["input"]) ? (body["input"] as readonly Entry[]) : [];
  const from = input.findLastIndex((entry) => isUser(entry) && MARKER.test(textOf(entry)));
  const found = from === -1 ? null : MARKER.exec(textOf(input[from] ?? {}));
  const since = from === -1 ? [] : input.slice(from + 1);
  const outputs = since.filter((entry) => String(entry.type).endsWith("_output"));
  return {
    marker:
      found === null
        ? null
        : {
            name: found[1] ?? "",
            args: JSON.parse(found[2] ?? "{}") as Record<string, unknown>,
          },
    steered: since
      .filter(isUser)
      .map(textOf)
      // The agent's own notes (`<environment_context>`, `<turn_aborted>`) are no words of a person.
      .filter((text) => !text.startsWith("<")),
    step: outputs.length,
    outputs: outputs.map((entry) => outputText(entry.output)),
    kind: requestKind(headers["x-codex-turn-metadata"]),
  };
}

interface Entry {
  readonly type?: unknown;
  readonly role?: unknown;
  readonly content?: unknown;
  readonly output?: unknown;
}

function isUser(entry: Entry): boolean {
  return entry.type === "message" && entry.role === "user";
}

function textOf(entry: Entry): string {
  if (!Array.isArray(entry.content)) return "";
  return (entry.content as readonly { readonly text?: unknown }[])
    .map((part) => (typeof part.text === "string" ? part.text : ""))
    .join("\n");
}

function outputText(output: unknown): string {
  return typeof output === "string" ? output : textOf({ content: output });
}

function requestKind(metadata: string | undefined): string {
  if (metadata === undefined) return "turn";
  const parsed = JSON.parse(metadata) as { readonly request_kind?: unknown };
  return typeof parsed.request_kind === "string" ? parsed.request_kind : "turn";
}
