import { operatorCommand } from "./operator.ts";

export const command = operatorCommand({
  name: "resume",
  done: "resumes",
  about: ["Undoes a pause or a stop."],
  examples: [{ says: "after a pause", line: "issue resume APP-1" }],
});
