import { operatorCommand } from "./operator.ts";

export const command = operatorCommand({
  name: "answer",
  done: "was answered",
  text: { name: "TEXT", says: "the answer, in quotes", required: true },
  options: { question: { value: "ID", says: "which question, when more than one is open" } },
  about: ["`issue show` shows the question and its options."],
  examples: [{ says: "answer what it asked", line: 'issue answer APP-1 "Use the second option"' }],
  body(context) {
    const question = context.value("question");
    return { text: context.argument("TEXT"), ...(question === null ? {} : { question }) };
  },
});
