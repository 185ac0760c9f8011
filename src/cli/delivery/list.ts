import type { DeliveryDocument } from "../../engines/documents.ts";
import type { Command, Context } from "../usage/command.ts";
import { printList } from "../show/list.ts";
import { bytes } from "../show/numbers.ts";
import type { Column } from "../show/table.ts";
import { timeWriter } from "../show/times.ts";

export const command: Command = {
  arguments: [],
  options: {
    state: {
      value: "STATE",
      says: "only in this state",
      oneOf: ["pending", "applied", "ignored", "quarantined"],
    },
    source: {
      value: "SOURCE",
      says: "only from this source, e.g. github; observation: quarantined observations that came from no webhook",
    },
  },
  about: [],
  examples: [{ says: "what could not be understood", line: "delivery list --state quarantined" }],
  run: async (context) =>
    await printList(context, {
      page: async (views, request) =>
        await views.deliveries({ state: context.value("state"), source: context.value("source") }, request),
      columns: columns(context),
      empty: "No deliveries. Do webhooks reach the relay? `patchrelay doctor` checks.",
    }),
};

function columns(context: Context): readonly Column<DeliveryDocument>[] {
  const { style, terminal } = context;
  const time = timeWriter(terminal, context.host.clock.now());
  const paint = ({ state }: DeliveryDocument): ((text: string) => string) =>
    state === "quarantined" ? style.red : (text) => text;
  return [
    { head: "SEQ", cell: ({ seq }) => seq },
    { head: "SOURCE", cell: ({ source }) => source },
    { head: "ID", cell: ({ deliveryId }) => deliveryId, paint: () => style.bold },
    { head: "EVENT", cell: ({ event, action }) => (action === null ? event : `${event}.${action}`) },
    { head: "RECEIVED", cell: ({ receivedAt }) => time(receivedAt) },
    { head: "STATE", cell: ({ state }) => state, paint },
    { head: "SIZE", cell: (row) => (terminal ? bytes(row.bytes) : row.bytes) },
    { head: "WHY", cell: ({ why }) => why, elastic: true },
  ];
}
