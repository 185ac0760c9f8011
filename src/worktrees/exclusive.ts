/**
 * One at a time per key, in order of arrival. What runs inside has its own deadlines, so waiting ends; more than
 * `MAX_WAITING` in line is a mistake of the caller and refused.
 */
export interface Exclusive {
  run<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

const MAX_WAITING = 1_000;

export function createExclusive(): Exclusive {
  const lines = new Map<string, { tail: Promise<void>; waiting: number }>();
  return {
    run: async (key, signal, work) => {
      const line = lines.get(key) ?? { tail: Promise.resolve(), waiting: 0 };
      if (line.waiting >= MAX_WAITING) throw new Error(`too many are waiting for ${key}`);
      lines.set(key, line);
      line.waiting += 1;
      const turn = line.tail;
      let leave = (): void => undefined;
      line.tail = new Promise<void>((resolve) => {
        leave = resolve;
      });
      try {
        await turn;
        signal.throwIfAborted();
        return await work();
      } finally {
        leave();
        line.waiting -= 1;
        if (line.waiting === 0) lines.delete(key);
      }
    },
  };
}
