import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { messageOf } from "../assert.ts";
import type { Clock } from "../clock.ts";
import { runProcess } from "./processes.ts";
import type { ProcessEnvironment } from "./processes.ts";
import { clip } from "../text.ts";

// Programs that see neither our processes nor our files: namespaces of the Linux kernel, made by util-linux' `unshare`
// without any privilege. docs/decisions/0010-confined-hooks.md says what this keeps away and what not.

/** What a confined program does not see. */
export interface Confinement {
  /** A folder that is empty for it but for `show`. */
  readonly hide: string;
  /** Folders below `hide` that it sees, and may write, as they are. */
  readonly show: readonly string[];
  /** Files and folders anywhere that are empty for it; those that are not there do not matter. */
  readonly blank: readonly string[];
  /** An empty folder of ours for the making; outside of `show`. */
  readonly view: string;
  /** A file that comes to be outside of `show`; empty = the command was never started. */
  readonly begun: string;
}

// First as root of a user namespace, which alone may mount there; then, in a further one, as who we are, for whom those
// mounts are locked. The shell stays as the first process of its own process namespace: when it ends, or is killed, the
// kernel kills whatever is left in there, also what has left its process group.
// The exit code cannot tell a command that failed from one that was never started: the mark does.
const SCRIPT = `set -e
hide=$1 view=$2 begun=$3 cwd=$4 uid=$5 gid=$6
shift 6
exec 9>"$begun"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mount -t tmpfs -o mode=0755 none "$1"
  elif [ -f "$1" ]; then mount --bind /dev/null "$1"; fi
  shift
done
shift
mount -t tmpfs -o mode=0755 none "$view"
while [ "$1" != -- ]; do
  mkdir -p "$view/$1"
  mount --rbind "$hide/$1" "$view/$1"
  shift
done
shift
mount --rbind "$view" "$hide"
cd "$cwd"
code=0
unshare --user --map-user="$uid" --map-group="$gid" -- \\
  /bin/sh -ec 'echo begun >&9; exec 9>&-; exec "$@"' sh "$@" || code=$?
exit "$code"`;

/** The command that runs `command` in `cwd`, confined. Its exit code is that of `command`, 128 + n for a signal. */
export function confined(
  command: readonly string[],
  cwd: string,
  { hide, show, blank, view, begun }: Confinement,
): { readonly command: string; readonly args: readonly string[] } {
  const spaces = ["--user", "--map-root-user", "--mount", "--pid", "--mount-proc"];
  const shown = show.map((path) => relative(hide, path));
  const who = [`${process.getuid?.() ?? 0}`, `${process.getgid?.() ?? 0}`];
  const script = ["/bin/sh", "-c", SCRIPT, "sh", hide, view, begun, cwd, ...who];
  return {
    command: "unshare",
    args: [
      ...spaces,
      "--fork",
      "--kill-child=SIGKILL",
      "--",
      ...script,
      ...blank,
      "--",
      ...shown,
      "--",
      ...command,
    ],
  };
}

const PROBE_MS = 10_000;
const PROBE = 'test "$(ls "$1")" = shown && : > "$1/shown/written"';

/** Where, and with what hidden, confinement is tried. */
interface Trial {
  /** How the path of the new folder begins. */
  readonly place: string;
  readonly blank: readonly string[];
}

/**
 * Null, or why programs cannot be confined on this machine, in words for the operator. Tries it in a new folder,
 * a temporary one unless told where.
 */
export async function whyNotConfined(
  clock: Clock,
  env: ProcessEnvironment,
  signal: AbortSignal,
  { place = join(tmpdir(), "patchrelay-confine-"), blank = [] }: Partial<Trial> = {},
): Promise<string | null> {
  if (process.platform !== "linux") return `${process.platform} has no namespaces`;
  const folder = await mkdtemp(place);
  try {
    const [hide, view] = [join(folder, "hide"), join(folder, "view")];
    for (const path of [view, join(hide, "shown"), join(hide, "hidden")])
      await mkdir(path, { recursive: true });
    const confinement = { hide, view, show: [join(hide, "shown")], blank, begun: join(folder, "begun") };
    const { exitCode, stderr } = await runProcess(clock, {
      ...confined(["/bin/sh", "-c", PROBE, "sh", hide], hide, confinement),
      cwd: folder,
      env,
      timeoutMs: PROBE_MS,
      signal,
    });
    if (exitCode === 0) return null;
    return clip(stderr.trim(), 300) || "what it tried had no effect";
  } catch (error) {
    if (signal.aborted) throw error;
    return messageOf(error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
