/**
 * Mistakes planted into the bundled relay, one at a time: the harness that does not find them proves nothing. Each is a
 * change of one place in the source, made while it is bundled; the source itself is left alone.
 */
export interface Plant {
  /** Path from the repository's root. */
  readonly file: string;
  /** Must stand there exactly once. */
  readonly from: string;
  readonly to: string;
  /** What goes wrong with it. */
  readonly mistake: string;
  /** The failpoint at which a kill shows it; it is aimed at often. */
  readonly showsAt: string;
}

export const PLANTS: Readonly<Record<string, Plant>> = {
  reply_before_store: {
    file: "src/engines/embedded/intake.ts",
    from: "waiting.push({ delivery, receivedAt: clock.now(), resolve, reject });",
    to: 'waiting.push({ delivery, receivedAt: clock.now(), resolve, reject }); resolve("accepted");',
    mistake: "a webhook is answered before it is on disk",
    showsAt: "ingest.in_tx",
  },
  no_key: {
    file: "src/trackers/linear/write/write.ts",
    from: "const id = uuidFromKey(key);",
    to: "const id = uuidFromKey(`${key}${performance.now()}${process.pid}`);",
    mistake: "a repeated effect does not carry the identity of its first try",
    showsAt: "effect.after_call",
  },
  no_recovery: {
    file: "src/engines/embedded/engine.ts",
    from: 'if (row.class !== "start") outbox.postpone(row, row.attempts, row.next_at, row.error);',
    to: "",
    mistake: "an effect that was under way when the process died is never taken up again",
    showsAt: "effect.before_call",
  },
};
