import { operatorCommand } from "./operator.ts";

export const command = operatorCommand({
  name: "retry",
  done: "is tried again",
  about: [
    "Starts the next attempt that the facts call for, also after an escalation or a failure; what was spent before no longer counts against its budgets.",
  ],
  examples: [{ says: "after the reason for its escalation is gone", line: "issue retry APP-1" }],
});
