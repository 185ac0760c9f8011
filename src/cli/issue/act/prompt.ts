import { operatorCommand } from "./operator.ts";

export const command = operatorCommand({
  name: "prompt",
  done: "was told",
  text: { name: "TEXT", says: "what to say, in quotes", required: true },
  about: ["Goes to the run in progress, or starts one to deal with it."],
  examples: [{ says: "steer it", line: 'issue prompt APP-1 "Keep the old endpoint working"' }],
  body: (context) => ({ text: context.argument("TEXT") }),
});
