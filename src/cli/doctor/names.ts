import { nearest } from "../../lib/text.ts";
import type { ConfiguredNames, Workspace } from "../../registry.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** What each project names, by the project's id. */
type Wanted = Readonly<Record<string, ConfiguredNames>>;

/** Whether the teams that projects name are there; their keys are told apart without regard to case, as in routing. */
export function checkTeams(check: string, workspaces: readonly Workspace[], wanted: Wanted): Finding {
  const known = workspaces.flatMap(({ teams }) => teams.map(({ key }) => key));
  const missing = Object.entries(wanted).flatMap(([project, { teams }]) =>
    teams.filter((key) => !has(known, key)).map((key) => `${key} of project ${project}`),
  );
  if (missing.length === 0) return ok(check, known.join(", "));
  return fail(
    check,
    `not in the workspace, or not shown to this credential: ${missing.join(", ")}; there are ${known.join(", ") || "none"}`,
    "correct the project's teams, or give the credential access to them",
  );
}

/** Which labels, projects and statuses that the configuration names are not there, each with the nearest that is. */
export function* checkNames(
  label: string,
  workspaces: readonly Workspace[],
  wanted: Wanted,
): Generator<Finding> {
  const teams = workspaces.flatMap((workspace) => workspace.teams);
  const labels = [...workspaces, ...teams].flatMap((place) => place.labels);
  const projects = workspaces.flatMap((workspace) => workspace.projects);
  for (const [project, names] of Object.entries(wanted)) {
    for (const name of names.labels.filter((each) => !has(labels, each))) {
      const says = `project ${project}: there is no label "${name}", so no issue has it`;
      yield warn(`${label} label`, says, instead(name, labels, `make it in ${label}`));
    }
    for (const name of names.projects.filter((each) => !isId(each) && !has(projects, each))) {
      const says = `project ${project}: there is no ${label} project "${name}", or it is not shown to this credential`;
      yield warn(`${label} project`, says, instead(name, projects, "correct the project's projects"));
    }
    for (const { team, type, name } of names.statuses) {
      if (isId(name)) continue;
      const own = names.statuses.filter((other) => other.team !== null && other.type === type);
      // What is said of single teams goes before what is said of all.
      const meant = teams.filter(({ key }) =>
        team === null
          ? (names.teams.length === 0 || has(names.teams, key)) &&
            !own.some((other) => isSame(other.team ?? "", key))
          : isSame(team, key),
      );
      if (team !== null && meant.length === 0) {
        const says = `project ${project}: there is no team ${team} to set the status "${name}" in`;
        const keys = teams.map(({ key }) => key);
        yield warn(`${label} status`, says, instead(team, keys, "correct the key in statuses.teams"));
      }
      for (const { key, statuses } of meant) {
        const there = statuses.map((status) => status.name);
        if (has(there, name)) continue;
        const says = `project ${project}: team ${key} has no status "${name}"; its first of type ${type} is set`;
        yield warn(`${label} status`, says, instead(name, there, `write one of ${there.join(", ")}`));
      }
    }
  }
}

function instead(name: string, known: readonly string[], otherwise: string): string {
  const near = nearest(name, known);
  return near === null ? otherwise : `write "${near}", or ${otherwise}`;
}

function has(list: readonly string[], name: string): boolean {
  return list.some((each) => isSame(each, name));
}

function isSame(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}

/** What is named by its id is in no list of names. */
function isId(name: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name.trim());
}
