import { operatorCommand } from "./operator.ts";

export const command = operatorCommand({
  name: "pause",
  done: "is paused",
  about: ["Nothing new starts until `issue resume`."],
  examples: [{ says: "before working on its branch yourself", line: "issue pause APP-1" }],
});
