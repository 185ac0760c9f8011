import { operatorCommand } from "./operator.ts";

export const command = operatorCommand({
  name: "close",
  done: "is closed",
  about: [
    "Ends our work on the issue and leaves its pull request as it is; only a new delegation or prompt reopens it.",
  ],
  examples: [{ says: "give up on it", line: "issue close APP-1" }],
});
