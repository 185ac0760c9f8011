import { messageOf } from "../../../lib/assert.ts";
import type { Log } from "../../../lib/log.ts";
import type { StreamLine } from "../../documents.ts";
import type { Store } from "../database/store.ts";

/** Tells listeners about lines once they are durable. */
export interface Stream {
  /** Inside a write: the line goes out after the commit, in the order of calls. */
  publishAfterCommit(line: StreamLine): void;
  subscribe(listen: (line: StreamLine) => void): () => void;
}

export function createStream(store: Store, log: Log): Stream {
  const listeners = new Set<(line: StreamLine) => void>();
  return {
    publishAfterCommit(line) {
      if (listeners.size === 0) return;
      store.afterCommit(() => {
        for (const listen of listeners) {
          try {
            listen(line);
          } catch (error) {
            log.error("a stream listener failed", { seq: line.seq, why: messageOf(error) });
          }
        }
      });
    },
    subscribe(listen) {
      listeners.add(listen);
      return () => {
        listeners.delete(listen);
      };
    },
  };
}
