import { freshBranch } from "../facts/ids.ts";
import type { Facts, ProjectFact } from "../facts/facts.ts";
import type { Question, TicketCore } from "../facts/ticket.ts";
import type { Policy, ProjectPolicy } from "../facts/policy.ts";
import { answeringPrompts, answerTo } from "./authority.ts";

/** Where a ticket goes: to a project, or to one of several that fit equally well. */
type Route = { readonly project: ProjectPolicy } | { readonly between: readonly ProjectPolicy[] };

/**
 * Which project a ticket goes to: the one whose stated conditions all hold and that states the most kinds of them. A
 * project that states none takes what no other wants. The key's prefix counts as a team. Null = no project takes it.
 */
function route(core: TicketCore, policy: Policy): Route | null {
  const fitting = policy.projects.filter((project) => matches(core, project));
  const most = Math.max(...fitting.map(stated));
  const [first, ...others] = fitting.filter((project) => stated(project) === most);
  if (first === undefined) return null;
  return others.length === 0 ? { project: first } : { between: [first, ...others] };
}

/** How many kinds of conditions a project states. */
function stated({ match: { teams, projects, labels } }: ProjectPolicy): number {
  return [teams, projects, labels].filter((list) => list.length > 0).length;
}

function matches(core: TicketCore, project: ProjectPolicy): boolean {
  const { teams, projects, labels } = project.match;
  const prefix = core.key.split("-")[0] ?? "";
  return (
    (teams.length === 0 || has(teams, core.team) || has(teams, prefix)) &&
    (projects.length === 0 || has(projects, core.project)) &&
    (labels.length === 0 || core.labels.some((label) => has(labels, label)))
  );
}

function has(list: readonly string[], value: string | null): boolean {
  return value !== null && list.some((entry) => entry.toLowerCase() === value.toLowerCase());
}

/** That a person has to choose the repository. */
export interface RouteChoice {
  /** The question to ask; null = it was asked often enough, and a message that names one still counts. */
  readonly question: {
    readonly id: string;
    readonly options: readonly string[];
    /** Whether the question before was answered with none of them. */
    readonly again: boolean;
  } | null;
}

/** Nobody is asked more often than this. */
const MOST_ASKED = 3;

/** What is needed to know the project; null = it is known, nobody takes the ticket, or the question is out already. */
export function routeChoice(facts: Facts, policy: Policy): RouteChoice | null {
  const between = choicesOf(facts, policy);
  if (between === null) return null;
  const asked = routeQuestions(facts);
  const last = asked.at(-1);
  if (last !== undefined && answerTo(facts, last, policy) === null) return null;
  if (asked.length >= MOST_ASKED) return { question: null };
  const options = between.map((project) => optionOf(project, between));
  return { question: { id: `route:${asked.length + 1}`, options, again: last !== undefined } };
}

/** Fixes the routing once the ticket is known, and the branch of the next pull request. */
export function withProject(facts: Facts, policy: Policy): Facts {
  const core = facts.ticket.core?.value;
  if (core === undefined || facts.project !== null) return facts;
  const found = route(core, policy);
  if (found === null) return facts;
  const project = "project" in found ? found.project : chosen(facts, found.between, policy);
  if (project === null) return facts;
  const routed: ProjectFact = {
    id: project.id,
    repository: project.repository,
    branch: freshBranch(project.branchPrefix, core.key, facts.past),
    problem: null,
  };
  return { ...facts, project: routed };
}

function choicesOf(facts: Facts, policy: Policy): readonly ProjectPolicy[] | null {
  const core = facts.ticket.core?.value;
  if (core === undefined || facts.project !== null) return null;
  const found = route(core, policy);
  return found !== null && "between" in found ? found.between : null;
}

function routeQuestions({ questions }: Facts): readonly Question[] {
  return Object.values(questions)
    .filter(({ about }) => about === "route")
    .toSorted((a, b) => a.askedAt - b.askedAt);
}

/** The first that somebody has named since it was first asked. */
function chosen(facts: Facts, between: readonly ProjectPolicy[], policy: Policy): ProjectPolicy | null {
  const asked = routeQuestions(facts);
  const [first] = asked;
  if (first === undefined) return null;
  const said = [
    ...asked.flatMap(({ answer }) => answer?.text ?? []),
    ...answeringPrompts(facts, first, policy).map(({ text }) => text),
  ];
  return said.map((text) => meant(text, between)).find((project) => project !== null) ?? null;
}

/** By the option as it was shown, the project's id, the repository or its last part, in any case, or by its number in the list. */
function meant(answer: string, between: readonly ProjectPolicy[]): ProjectPolicy | null {
  const said = answer.trim().toLowerCase();
  const fitting = between.filter((project, index) => {
    const short = project.repository.split("/").at(-1) ?? "";
    const names = [optionOf(project, between), project.id, project.repository, short, String(index + 1)];
    return names.some((name) => name.toLowerCase() === said);
  });
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
}

function optionOf({ id, repository }: ProjectPolicy, between: readonly ProjectPolicy[]): string {
  return between.filter((other) => other.repository === repository).length === 1 ? repository : id;
}
