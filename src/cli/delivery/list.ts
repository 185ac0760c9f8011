import type { DeliveryDocument } from "../../engines/documents.ts";
import { OBSERVATIONS } from "../../engines/engine.ts";
import { registryOf } from "../host/registry.ts";
import { unknownValue } from "../usage/argv.ts";
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
      says: "only from this source, e.g. github; observation: observations that came from no webhook and failed",
    },
  },
  about: [],
  examples: [{ says: "what could not be understood", line: "delivery list --state quarantined" }],
  async run(context) {
    const source = context.value("source");
    await refuseUnknownSource(context, source);
    return await printList(context, {
      page: async (views, request) =>
        await views.deliveries({ state: context.value("state"), source }, request),
      columns: columns(context),
      empty: "No deliveries. Do webhooks reach the relay? `patchrelay doctor` checks.",
      chosen: { of: "deliveries", by: ["state", "source"] },
    });
  },
};

/** A misspelt source must not look like one that sends nothing. */
async function refuseUnknownSource(context: Context, source: string | null): Promise<void> {
  const { sources } = await registryOf(context.host);
  const known = [...Object.keys(sources), OBSERVATIONS];
  if (source === null || known.includes(source)) return;
  // It may have been one of an earlier version.
  const views = await context.kept();
  const kept = await views?.deliveries({ state: null, source }, { limit: 1, cursor: null });
  if ((kept?.items.length ?? 0) === 0) throw unknownValue("source", source, known);
}

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
