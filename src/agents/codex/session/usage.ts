import type { Spent } from "../../../factory/facts/run.ts";
import type { Tokens } from "../process/protocol.ts";

/** US dollars per million tokens. */
export interface Price {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

/** Prices by model name. */
export type Prices = Readonly<Record<string, Price>>;

/** What lies between two readings of a thread's meter. `input` includes `cached`, as Codex counts. */
export function spentBetween(before: Tokens | null, after: Tokens, price: Price | null): Spent {
  const input = Math.max(0, after.inputTokens - (before?.inputTokens ?? 0));
  const cached = Math.max(0, after.cachedInputTokens - (before?.cachedInputTokens ?? 0));
  const output = Math.max(0, after.outputTokens - (before?.outputTokens ?? 0));
  return { input, cached, output, usd: price === null ? null : costOf({ input, cached, output }, price) };
}

/** The reading before `last` was added to `total`. */
export function before(total: Tokens, last: Tokens): Tokens {
  return {
    totalTokens: Math.max(0, total.totalTokens - last.totalTokens),
    inputTokens: Math.max(0, total.inputTokens - last.inputTokens),
    cachedInputTokens: Math.max(0, total.cachedInputTokens - last.cachedInputTokens),
    outputTokens: Math.max(0, total.outputTokens - last.outputTokens),
  };
}

function costOf(tokens: { input: number; cached: number; output: number }, price: Price): number {
  const fresh = Math.max(0, tokens.input - tokens.cached);
  return (fresh * price.input + tokens.cached * price.cached + tokens.output * price.output) / 1_000_000;
}
