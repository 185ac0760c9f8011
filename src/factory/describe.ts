import { EFFECTS } from "./effects/effect.ts";
import { REFUSALS } from "./judge/budget.ts";
import { RULES } from "./rules/rules.ts";
import { RUN_TYPES } from "./facts/run-types.ts";
import { FACTORY_STATES } from "./facts/state.ts";

/** The factory as a page: what `patchrelay machine` prints and docs/factory.md is made from. */
export function describeFactory(): string {
  const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
    [
      `| ${head.join(" | ")} |`,
      `|${head.map(() => "---").join("|")}|`,
      ...rows.map((row) => `| ${row.join(" | ")} |`),
    ].join("\n");
  return [
    "# The factory",
    "",
    "Made from `src/factory/` by `npm run factory-doc`, and printed by `patchrelay machine`; a test keeps this page current.",
    "",
    "The facts of an issue are matched against the rows below, in order; the first that holds gives its state and the next step.",
    "",
    "## Rules",
    "",
    table(
      ["#", "rule", "states", "says"],
      RULES.map((rule, index) => [
        String(index + 1),
        `\`${rule.name}\``,
        rule.states.map((state) => `\`${state}\``).join(" "),
        rule.says,
      ]),
    ),
    "",
    "## Refusals",
    "",
    "A run that a rule calls for is reserved first. These are the reasons, in order, why it may be refused; the rule is then shown as `rule/refusal`.",
    "",
    table(
      ["refusal", "means"],
      Object.entries(REFUSALS).map(([name, means]) => [`\`${name}\``, means]),
    ),
    "",
    "## States",
    "",
    table(
      ["state", "means"],
      Object.entries(FACTORY_STATES).map(([name, means]) => [`\`${name}\``, means]),
    ),
    "",
    "## Run types",
    "",
    table(
      ["run type", "budget", "state", "what it does"],
      Object.values(RUN_TYPES).map((row) => [
        `\`${row.type}\``,
        `\`${row.budget}\``,
        `\`${row.state}\``,
        row.does,
      ]),
    ),
    "",
    "## Effects",
    "",
    table(
      ["effect", "lane", "what it does"],
      Object.entries(EFFECTS).map(([kind, trait]) => [`\`${kind}\``, trait.lane, trait.does]),
    ),
    "",
  ].join("\n");
}
