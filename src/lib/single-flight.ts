/** A task that runs once at a time: who asks meanwhile gets the same outcome. */
export type SingleFlight<T> = (signal: AbortSignal) => Promise<T>;

interface Flight<T> {
  readonly outcome: Promise<T>;
  readonly stopping: AbortController;
  waiting: number;
}

/**
 * One `task` in flight for all who ask. A caller's signal ends that caller's waiting, with the signal's reason; the
 * task is aborted when nobody waits for it any more, and the next to ask begins a new one.
 */
export function singleFlight<T>(task: (signal: AbortSignal) => Promise<T>): SingleFlight<T> {
  let flight: Flight<T> | null = null;
  const begin = (): Flight<T> => {
    const stopping = new AbortController();
    const begun: Flight<T> = {
      stopping,
      waiting: 0,
      outcome: task(stopping.signal).finally(() => {
        if (flight === begun) flight = null;
      }),
    };
    flight = begun;
    return begun;
  };
  return async (signal) => {
    signal.throwIfAborted();
    const own = flight ?? begin();
    own.waiting += 1;
    try {
      return await unlessAborted(own.outcome, signal);
    } finally {
      own.waiting -= 1;
      if (own.waiting === 0) {
        if (flight === own) flight = null;
        own.stopping.abort(new Error("nobody waits for it any more"));
      }
    }
  };
}

/** The same for many tasks, each in flight once under its key. */
export function sharedFlights<T>(): (
  key: string,
  task: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
) => Promise<T> {
  const flights = new Map<string, SingleFlight<T>>();
  return async (key, task, signal) => {
    const own = flights.get(key) ?? singleFlight(task);
    flights.set(key, own);
    try {
      return await own(signal);
    } finally {
      if (flights.get(key) === own) flights.delete(key);
    }
  };
}

async function unlessAborted<T>(outcome: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([outcome, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
