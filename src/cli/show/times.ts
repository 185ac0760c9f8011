import { parseTime } from "../../lib/clock.ts";

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
] as const;

/** A length of time for people, e.g. `5 min`; under a second is `0 s`. */
export function lengthOf(ms: number): string {
  const [unit, size] = UNITS.find(([, unitMs]) => ms >= unitMs) ?? ["s", 1_000];
  return `${Math.floor(Math.max(0, ms) / size)} ${unit}`;
}

/** How to write the times of documents: relative on a terminal, as they are elsewhere; null is `-`. */
export function timeWriter(terminal: boolean, now: number): (time: string | null) => string {
  return (time) => {
    const at = parseTime(time);
    if (time === null || at === null) return "-";
    if (!terminal) return time;
    return at > now ? `in ${lengthOf(at - now)}` : `${lengthOf(now - at)} ago`;
  };
}

/** `HH:MM:SS` of a document's time, in the machine's own time zone. */
export function clockTime(time: string): string {
  const at = new Date(time);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}
