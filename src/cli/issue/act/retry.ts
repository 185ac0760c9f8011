import { operatorCommand } from "./operator.ts";

export const command = operatorCommand({
  name: "retry",
  done: "will be tried again",
  about: [
    "Starts the next attempt the facts call for, even after an escalation or a failure; what was already spent no longer counts against its budgets.",
  ],
  examples: [{ says: "once the reason for its escalation is gone", line: "issue retry APP-1" }],
});
