import { operatorCommand } from "./operator.ts";

export const command = operatorCommand({
  name: "stop",
  done: "is being stopped",
  about: [
    "Interrupts its run, publishes nothing more and keeps the worktree; `issue resume` picks it up again.",
  ],
  examples: [{ says: "right away, whatever it is doing", line: "issue stop APP-1" }],
});
