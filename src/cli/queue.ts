import type { QueueDocument } from "../engines/documents.ts";
import type { Command, Context } from "./usage/command.ts";
import { nothingYet } from "./show/list.ts";
import { separated, tableLines } from "./show/table.ts";
import type { Column } from "./show/table.ts";
import { timeWriter } from "./show/times.ts";

const NO_QUEUE: QueueDocument = { slots: { total: 0, used: 0 }, items: [] };

export const command: Command = {
  arguments: [],
  options: {},
  about: ["Rework comes before new work, then older before newer."],
  examples: [{ says: "who waits for whom", line: "queue" }],
  async run(context) {
    const views = await context.kept();
    if (views === null) context.note(nothingYet(context));
    const queue = (await views?.queue()) ?? NO_QUEUE;
    context.answer(queue, () => (context.terminal ? page(queue, context) : rows(queue, context)));
    return 0;
  },
};

type Item = QueueDocument["items"][number];

function page(queue: QueueDocument, context: Context): readonly string[] {
  const { total, used } = queue.slots;
  const head = `${used} of ${total} slots in use`;
  if (queue.items.length === 0) return [`${head}; nothing is waiting.`];
  const { columns } = context.host.stdout;
  return [head, "", ...tableLines(queueColumns(context), queue.items, context.style, columns)];
}

function rows(queue: QueueDocument, context: Context): readonly string[] {
  return queue.items.map((item) => separated(queueColumns(context), item));
}

function queueColumns(context: Context): readonly Column<Item>[] {
  const time = timeWriter(context.terminal, context.host.clock.now());
  return [
    { head: "#", cell: ({ position }) => position },
    { head: "ISSUE", cell: ({ issue }) => issue, paint: () => context.style.bold },
    { head: "CLASS", cell: (item) => item.class },
    { head: "SINCE", cell: ({ since }) => time(since) },
    { head: "REASON", cell: ({ reason }) => reason, elastic: true },
  ];
}
