import { fstatSync, writeFileSync } from "node:fs";
import { messageOf } from "../../lib/assert.ts";
import { systemClock } from "../../lib/clock.ts";
import { processEnvironment, readTextFile } from "../../settings/load/environment.ts";
import type { Host, Output } from "./host.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** This process. */
export function systemHost(): Host {
  return {
    args: process.argv.slice(2),
    env: processEnvironment(),
    cwd: process.cwd(),
    pid: process.pid,
    platform: process.platform,
    readFile: readTextFile,
    clock: systemClock,
    randomness: async () => (await import("../../lib/ids.ts")).systemRandomness,
    stdout: output(1, () => process.stdout),
    stderr: output(2, () => process.stderr),
    onSignal(listen) {
      for (const name of SIGNALS) process.on(name, listen);
      return () => {
        for (const name of SIGNALS) process.off(name, listen);
      };
    },
    onHangup(listen) {
      process.on("SIGHUP", listen);
      return () => {
        process.off("SIGHUP", listen);
      };
    },
    onFault(listen) {
      process.on("uncaughtException", listen);
      process.on("unhandledRejection", listen);
      return () => {
        process.off("uncaughtException", listen);
        process.off("unhandledRejection", listen);
      };
    },
    launch(command, args, failed) {
      const start = async (): Promise<void> => {
        const { spawn } = await import("node:child_process");
        const child = spawn(command, [...args], { detached: true, stdio: "ignore" });
        child.on("error", failed);
        child.unref();
      };
      start().catch(failed);
    },
    exit: (code) => process.exit(code),
  };
}

/** What waits for a reader that is slow. */
const MOST_QUEUED_BYTES = 1024 * 1024;

/** Whether what is written waits in memory for its reader. */
function isPipe(fd: number): boolean {
  const kind = fstatSync(fd);
  return kind.isFIFO() || kind.isSocket();
}

// Each stream is made when it is first wanted: most commands never need standard error.
function output(fd: number, open: () => NodeJS.WriteStream): Output {
  let opened: NodeJS.WriteStream | null = null;
  let offered = false;
  let queued: boolean | null = null;
  const stream = (): NodeJS.WriteStream => {
    if (opened !== null) return opened;
    opened = open();
    // Whoever reads us may stop reading (`| head`): then there is nobody left to answer, and nothing is wrong.
    opened.on("error", (error: NodeJS.ErrnoException) => {
      if (!offered) process.exit(error.code === "EPIPE" ? 0 : 1);
    });
    return opened;
  };
  return {
    write: (text) => {
      stream().write(text);
    },
    offer(text) {
      offered = true;
      const target = stream();
      queued ??= target.isTTY || isPipe(fd);
      if (queued) {
        if (target.destroyed) return "nobody reads it";
        if (target.writableLength > MOST_QUEUED_BYTES) return "its reader does not keep up";
        target.write(text);
        return null;
      }
      // A stream on a file would be closed for good by the first fault, and a full disk gets room again.
      try {
        writeFileSync(fd, text);
        return null;
      } catch (error) {
        return messageOf(error);
      }
    },
    // Undefined where it is a file or a pipe, whatever its type says.
    get terminal() {
      return stream().isTTY ?? false;
    },
    get columns() {
      return stream().isTTY ? (stream().columns ?? 80) : Infinity;
    },
  };
}
