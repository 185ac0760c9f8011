/**
 * Named places where a test may stop, delay or kill the process. Armed by test
 * configuration only (PATCHRELAY_FAILPOINTS, read by settings/); otherwise `failpoint` costs one map look-up.
 */
export type FailAction =
  | { readonly kind: "kill" | "throw" }
  | { readonly kind: "delay"; readonly ms: number };

const armed = new Map<string, { action: FailAction; left: number }>();

/** Arms `name`: at its `nth` reach from now the action happens, once. */
export function arm(name: string, action: FailAction, nth = 1): void {
  armed.set(name, { action, left: nth });
}

export function disarmAll(): void {
  armed.clear();
}

/** Marks the place. With nothing armed it returns at once. `delay` blocks the thread, as a stopped process would. */
export function failpoint(name: string): void {
  if (armed.size === 0) return;
  const found = armed.get(name);
  if (found === undefined) return;
  found.left -= 1;
  if (found.left > 0) return;
  armed.delete(name);
  if (found.action.kind === "kill") {
    process.kill(process.pid, "SIGKILL");
    // SIGKILL is delivered asynchronously; nothing after this line may happen.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
  if (found.action.kind === "throw") throw new Error(`failpoint ${name}`);
  if (found.action.kind === "delay") {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, found.action.ms);
  }
}
