import { operatorCommand } from "./operator.ts";

export const command = operatorCommand({
  name: "prompt",
  done: "was told",
  text: { name: "TEXT", says: "what to say, in quotes", required: true },
  about: ["Reaches the run under way, or starts one that deals with it."],
  examples: [{ says: "steer it", line: 'issue prompt APP-1 "Keep the old endpoint working"' }],
  body: (context) => ({ text: context.argument("TEXT") }),
});
