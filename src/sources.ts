import type { Discovered, Interpreter, PlaceInList } from "./engines/engine.ts";
import { trackerOf, type IssueId } from "./factory/facts/ids.ts";
import type { Forge, ForgeIdentity } from "./forges/forge.ts";
import { Bug } from "./lib/assert.ts";
import { ExternalError } from "./lib/external.ts";
import type { ForgeRow, MakingParts, Registry, Rotating, TrackerRow } from "./registry.ts";
import type { Source } from "./http/webhooks/source.ts";
import type { Settings } from "./settings/settings.ts";
import type { Installing, Tracker, TrackerIdentity } from "./trackers/tracker.ts";

export interface MadeTracker {
  readonly name: string;
  readonly row: TrackerRow;
  readonly made: Tracker & Rotating;
}

export interface MadeForge {
  readonly name: string;
  readonly row: ForgeRow;
  readonly made: Forge & Rotating;
}

/** The sources of one relay, each made from its row. */
export interface MadeSources {
  /** In the order of the registry. */
  readonly all: readonly (MadeTracker | MadeForge)[];
  readonly trackers: readonly MadeTracker[];
  /** Every repository is there. */
  readonly forge: MadeForge;
}

/** Makes every source of the registry. Throws what a source throws about its settings and credentials. */
export async function makeSources({ sources }: Registry, parts: MakingParts): Promise<MadeSources> {
  const trackers: MadeTracker[] = [];
  const forges: MadeForge[] = [];
  const all: (MadeTracker | MadeForge)[] = [];
  for (const [name, row] of Object.entries(sources)) {
    if (row.kind === "tracker") {
      const tracker = { name, row, made: await row.make(parts) };
      trackers.push(tracker);
      all.push(tracker);
    } else {
      const forge = { name, row, made: await row.make(parts) };
      forges.push(forge);
      all.push(forge);
    }
  }
  const [forge, ...others] = forges;
  if (forge === undefined || others.length > 0)
    throw new Bug(`a project does not say at which forge it is, so there is one; found ${forges.length}`);
  return { all, trackers, forge };
}

/** The tracker that an issue is of, by the first part of its id. Throws ExternalError `refused` for one that is gone. */
export function madeTrackerOf({ trackers }: Pick<MadeSources, "trackers">, issue: IssueId): MadeTracker {
  const name = trackerOf(issue);
  const tracker = trackers.find((source) => source.name === name);
  if (tracker === undefined) throw new ExternalError("refused", `there is no tracker "${name}"`);
  return tracker;
}

/** What a delivery of each source means, by the source's name. */
export function interpretersOf(
  { trackers, forge }: MadeSources,
  identities: {
    tracker(name: string): readonly TrackerIdentity[];
    recheck(name: string): void;
    forge(name: string): ForgeIdentity | null;
  },
): Readonly<Record<string, Interpreter>> {
  const ofTrackers = trackers.map(({ name, made }): readonly [string, Interpreter] => [
    name,
    (body, event, receivedAt, lookup) => {
      const read = made.interpret(body, event, {
        us: identities.tracker(name),
        receivedAt,
        known: (issue) => lookup.known(issue),
      });
      if (read.recheck) identities.recheck(name);
      return read;
    },
  ]);
  return {
    ...Object.fromEntries(ofTrackers),
    [forge.name]: (body, event, receivedAt, lookup) =>
      forge.made.interpret(body, event, { us: identities.forge(forge.name), receivedAt, ...lookup }),
  };
}

/**
 * Lists our issues of all trackers, one tracker after the other: `rest` also says with which to go on. Throws
 * ExternalError `refused` for a `rest` of a tracker that is gone.
 */
export async function discoverAt(
  { trackers }: Pick<MadeSources, "trackers">,
  since: number,
  rest: PlaceInList | null,
  signal: AbortSignal,
): Promise<Discovered> {
  const index = rest === null ? 0 : trackers.findIndex(({ name }) => name === rest.tracker);
  const tracker = trackers[index];
  if (tracker === undefined) {
    if (rest === null) return { issues: [], rest: null };
    throw new ExternalError("refused", `there is no tracker "${rest.tracker}"`);
  }
  const found = await tracker.made.discover(since, rest?.rest ?? null, signal);
  const next = found.rest === null ? trackers[index + 1] : tracker;
  return { ...found, rest: next === undefined ? null : { tracker: next.name, rest: found.rest } };
}

/** A source as HTTP sees it. */
export function webhookSource(
  {
    name,
    row,
    made: { open, installing },
  }: Pick<MadeTracker | MadeForge, "name" | "row"> & {
    readonly made: Pick<Source, "open"> & { readonly installing?: Installing | null };
  },
  settings: Settings,
  recheck: (name: string) => void,
): Source {
  return {
    name,
    label: row.label,
    isTracker: row.kind === "tracker",
    maxBytes: row.webhookBytes(settings),
    installing: installing ?? null,
    recheck: () => recheck(name),
    open,
  };
}
