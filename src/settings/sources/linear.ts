import * as z from "zod";
import { field, listOf, overrides, whole, withDefaults } from "../schema/fields.ts";
import { bare, baseUrlForm, line } from "../schema/forms.ts";
import { LINEAR_CREDENTIALS } from "./linear-credentials.ts";
import type { Routing, SourceSettings, Warning } from "./source.ts";

const trigger = withDefaults({
  label: field(line(80), "patchrelay", "Name of the label that starts work on an issue."),
  word: field(
    line(40).regex(/^\S{2,}$/u, "expected one word of at least two characters"),
    "@patchrelay",
    "What a comment begins with that is meant for the relay.",
  ),
  assignment: field(
    z.boolean(),
    false,
    "Whether assigning an issue to the key's account starts work: only for an account that is the relay's own.",
  ),
});

const group = withDefaults({
  apiUrl: field(
    baseUrlForm,
    "https://api.linear.app",
    "Base URL of Linear's API; GraphQL is at <apiUrl>/graphql, OAuth at <apiUrl>/oauth/token. A value ending in /graphql works, too.",
  ),
  webUrl: field(
    baseUrlForm,
    "https://linear.app",
    "Base URL of Linear's pages; OAuth consent is at <webUrl>/oauth/authorize.",
  ),
}).extend({
  trigger: trigger
    .prefault({})
    .describe("What starts work with a person's LINEAR_API_KEY, which cannot be delegated to."),
});

/** What stands in the group `http`. */
export const LINEAR_HTTP = {
  linearBodyMiB: field(whole(1, 64), 2, "Largest Linear webhook, inclusive, in MiB."),
};

const name = line(200);

const statusFields = {
  started: field(
    name.nullable(),
    null,
    "Status to set when work starts; null, and where the team has none of that name: the team's first of type started.",
  ),
  completed: field(
    name.nullable(),
    null,
    "Status to set after the merge; null, and where the team has none of that name: the team's first of type completed.",
  ),
};

const projectGroup = withDefaults({
  teams: field(listOf(name), [], "Keys of the Linear teams whose issues belong here, such as APP."),
  projects: field(listOf(name), [], "Names or ids of Linear projects whose issues belong here."),
  labels: field(listOf(name), [], "An issue needs one of these labels to belong here."),
}).extend({
  statuses: withDefaults(statusFields)
    .extend({
      teams: z
        .record(name, overrides(statusFields))
        .default({})
        .describe("The same for single teams, by their keys: where their workflows differ."),
    })
    .prefault({})
    .describe("Linear statuses to set, by name or id."),
});

/** What is derived from `linear.apiUrl` and `linear.webUrl`. */
interface LinearEndpoints {
  /** The base, without /graphql and without a slash at the end. */
  readonly apiUrl: string;
  readonly webUrl: string;
  readonly graphqlUrl: string;
  readonly tokenUrl: string;
  readonly revokeUrl: string;
  readonly authorizeUrl: string;
}

/** An apiUrl that ends in /graphql means its base: that is the address Linear's documentation shows. */
function endpoints(apiUrl: string, webUrl: string): LinearEndpoints {
  const base = bare(bare(apiUrl).replace(/\/graphql$/, ""));
  const web = bare(webUrl);
  return {
    apiUrl: base,
    webUrl: web,
    graphqlUrl: `${base}/graphql`,
    tokenUrl: `${base}/oauth/token`,
    revokeUrl: `${base}/oauth/revoke`,
    authorizeUrl: `${web}/oauth/authorize`,
  };
}

function sharedRouting({
  projects,
}: {
  readonly projects: readonly { readonly linear: Routing }[];
}): readonly Warning[] {
  const first = new Map<string, number>();
  return projects.flatMap((project, index) => {
    const { teams, projects: linearProjects, labels } = project.linear;
    const route = JSON.stringify([teams, linearProjects, labels].map((names) => names.toSorted()));
    const earlier = first.get(route);
    if (earlier !== undefined) {
      const message = `takes the same issues as projects[${earlier}]: a person is asked for the repository of each`;
      return [
        { path: `projects[${index}].linear`, message, hint: "give them different teams, projects or labels" },
      ];
    }
    first.set(route, index);
    return [];
  });
}

function routing({ teams, projects, labels }: z.output<typeof projectGroup>): Routing {
  return { teams, projects, labels };
}

export const LINEAR = {
  group: group.prefault({}).describe("Linear."),
  projectGroup: projectGroup.prefault({}).describe("Which issues belong here."),
  resolve: (given: z.output<typeof group>) => ({ ...given, ...endpoints(given.apiUrl, given.webUrl) }),
  routing,
  cloneUrl: null,
  warnings: sharedRouting,
  needsHttps: "Linear only sends webhooks to https",
  credentials: LINEAR_CREDENTIALS,
} as const satisfies SourceSettings;
