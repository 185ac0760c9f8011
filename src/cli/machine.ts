import { REFUSALS } from "../factory/judge/budget.ts";
import { describeFactory } from "../factory/describe.ts";
import { EFFECTS } from "../factory/effects/effect.ts";
import { RULES } from "../factory/rules/rules.ts";
import { RUN_TYPES } from "../factory/facts/run-types.ts";
import { FACTORY_STATES } from "../factory/facts/state.ts";
import type { Command } from "./usage/command.ts";

export const command: Command = {
  arguments: [],
  options: {},
  about: [
    "Every issue is decided by this table: the first rule that applies gives the state and the next step.",
  ],
  examples: [{ says: "what a state means", line: "machine | grep awaiting_queue" }],
  async run(context) {
    context.answer(
      {
        rules: RULES.map(({ name, says, states }) => ({ name, says, states })),
        refusals: named(REFUSALS),
        states: named(FACTORY_STATES),
        runTypes: Object.values(RUN_TYPES).map(({ type, budget, state, does }) => ({
          name: type,
          budget,
          state,
          says: does,
        })),
        effects: Object.entries(EFFECTS).map(([name, { lane, does }]) => ({ name, lane, says: does })),
      },
      () => [describeFactory().trimEnd()],
    );
    return 0;
  },
};

function named(table: Readonly<Record<string, string>>): readonly { name: string; says: string }[] {
  return Object.entries(table).map(([name, says]) => ({ name, says }));
}
