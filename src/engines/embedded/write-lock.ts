/**
 * Lets one of two threads write at a time. Each has a connection of its own; waiting for one another by SQLite's own
 * lock would sleep for whole milliseconds.
 */
export interface WriteLock {
  /** Blocks until the other thread has finished its transaction. Throws when that takes longer than any should. */
  take(): void;
  release(): void;
}

/** For a connection that is the only one to write. */
export const ALONE: WriteLock = { take: () => undefined, release: () => undefined };

/** Who may hold it; 0 is nobody. */
type Holder = 1 | 2;
export const RELAY: Holder = 1;
export const INTAKE_THREAD: Holder = 2;

/** Far above the longest commit; a writer that hangs must not hang the other one for ever. */
const LONGEST_WAIT_MS = 10_000;
const WAIT_MS = 1_000;

/** The memory that both threads look at. */
export function newWriteLock(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

export function writeLock(shared: SharedArrayBuffer, holder: Holder): WriteLock {
  const cell = new Int32Array(shared);
  return {
    take() {
      for (let waited = 0; Atomics.compareExchange(cell, 0, 0, holder) !== 0;) {
        if (waited >= LONGEST_WAIT_MS)
          throw new Error(`the other writer has held the database for ${LONGEST_WAIT_MS / 1_000} s`);
        const seen = Atomics.load(cell, 0);
        if (seen !== 0 && Atomics.wait(cell, 0, seen, WAIT_MS) === "timed-out") waited += WAIT_MS;
      }
    },
    release: () => freeFrom(shared, holder),
  };
}

/** Frees the lock if `holder` has it: by itself, or because it has died. */
export function freeFrom(shared: SharedArrayBuffer, holder: Holder): void {
  const cell = new Int32Array(shared);
  if (Atomics.compareExchange(cell, 0, holder, 0) === holder) Atomics.notify(cell, 0, 1);
}
