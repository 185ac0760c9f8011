import type { Log, LogFields } from "../../src/lib/log.ts";

/** A log that keeps what was told, but for debugging. */
export interface Recorded {
  readonly log: Log;
  readonly infos: string[];
  readonly warnings: string[];
  readonly errors: string[];
}

export function recorder(): Recorded {
  const infos: string[] = [];
  const warnings: string[] = [];
  const errors: string[] = [];
  const made = (fixed: LogFields): Log => {
    const line = (message: string, fields: LogFields = {}): string =>
      `${message} ${JSON.stringify({ ...fixed, ...fields })}`;
    return {
      debug: () => undefined,
      info: (message, fields) => infos.push(line(message, fields)),
      warn: (message, fields) => warnings.push(line(message, fields)),
      error: (message, fields) => errors.push(line(message, fields)),
      with: (fields) => made({ ...fixed, ...fields }),
    };
  };
  return { log: made({}), infos, warnings, errors };
}
