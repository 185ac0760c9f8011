import { operatorCommand } from "./operator.ts";

export const command = operatorCommand({
  name: "stop",
  done: "is being stopped",
  about: ["Interrupts its run, publishes nothing further and keeps the worktree; `issue resume` goes on."],
  examples: [{ says: "at once, whatever it is doing", line: "issue stop APP-1" }],
});
