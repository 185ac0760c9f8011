import type { Clock } from "../../lib/clock.ts";
import type { Randomness } from "../../lib/ids.ts";
import type { Registry } from "../../registry.ts";
import type { Environment, ReadFile } from "../../settings/load/locate.ts";

/** Everything outside that the command line touches, as an argument. */
export interface Host {
  readonly args: readonly string[];
  readonly env: Environment;
  readonly cwd: string;
  readonly pid: number;
  readonly platform: NodeJS.Platform;
  readonly readFile: ReadFile;
  readonly clock: Clock;
  /** Loaded when it is first wanted. */
  randomness(): Promise<Randomness>;
  /** What the relay is made of; what registry.ts names unless given. */
  readonly registry?: Registry;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Calls `listen` for each SIGHUP instead of ending the process. Returns the unsubscribe. */
  onHangup(listen: () => void): () => void;
  /** Calls `listen` for each SIGINT and SIGTERM instead of ending the process. Returns the unsubscribe. */
  onSignal(listen: (name: "SIGINT" | "SIGTERM") => void): () => void;
  /** Calls `listen` for what nobody caught (exceptions and rejections). Returns the unsubscribe. */
  onFault(listen: (error: unknown) => void): () => void;
  /** Starts a program that lives on by itself, e.g. a browser; faults of starting it are told to `failed`. */
  launch(command: string, args: readonly string[], failed: (error: Error) => void): void;
  /** Ends the process now. */
  exit(code: number): void;
}

export interface Output {
  /** When nobody reads it any more, the process ends. */
  write(text: string): void;
  /** For a process that has more to do than to tell: it goes on whatever becomes of the text. Gives why it is lost; null = it is not. */
  offer(text: string): string | null;
  readonly terminal: boolean;
  /** Width of the terminal in characters; Infinity when it is none: what a program reads is not clipped. */
  readonly columns: number;
}
