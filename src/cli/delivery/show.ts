import type { DeliveryDocument } from "../../engines/documents.ts";
import { deliveryName } from "../../engines/engine.ts";
import { escapeHidden } from "../../lib/text.ts";
import type { Command, Context } from "../usage/command.ts";
import { notFound } from "../usage/failure.ts";
import { fieldLines } from "../show/fields.ts";
import { bytes } from "../show/numbers.ts";
import { timeWriter } from "../show/times.ts";
import { ID, oneDelivery } from "./find.ts";

export const command: Command = {
  arguments: [ID],
  options: {
    body: {
      value: null,
      says: "print its body; hidden characters are escaped unless --json is given",
    },
  },
  about: [
    "With --body --json the document holds the body as received: `body`, and `bodyEncoding` utf8 or base64.",
  ],
  examples: [
    { says: "what came of it", line: "delivery show 72d3162e-cc78-11e3-81ab-4c9367dc0958" },
    { says: "what GitHub sent", line: "delivery show github:72d3162e-cc78-11e3-81ab-4c9367dc0958 --body" },
  ],
  async run(context) {
    const views = await context.views();
    const delivery = await oneDelivery(views, context.argument("ID"));
    if (!context.flag("body")) {
      context.answer(delivery, () => deliveryPage(delivery, context));
      return 0;
    }
    const body = await views.deliveryBody(delivery.source, delivery.deliveryId);
    if (body === null) {
      throw notFound(
        `the body of ${deliveryName(delivery)} is no longer kept`,
        "storage.keepDeliveriesDays sets how long bodies are kept",
      );
    }
    context.answer({ ...delivery, ...bodyFields(body) }, () => [
      escapeHidden(body.toString("utf8"), "layout").replace(/\n$/, ""),
    ]);
    return 0;
  },
};

function bodyFields(body: Buffer): { readonly body: string; readonly bodyEncoding: "utf8" | "base64" } {
  const text = body.toString("utf8");
  return Buffer.from(text).equals(body)
    ? { body: text, bodyEncoding: "utf8" }
    : { body: body.toString("base64"), bodyEncoding: "base64" };
}

function deliveryPage(delivery: DeliveryDocument, context: Context): readonly string[] {
  const time = timeWriter(context.terminal, context.host.clock.now());
  return fieldLines(
    [
      ["delivery", deliveryName(delivery), context.style.bold],
      ["event", delivery.action === null ? delivery.event : `${delivery.event}.${delivery.action}`],
      ["received", time(delivery.receivedAt)],
      ["state", delivery.state],
      ["why", delivery.why],
      ["issues", delivery.issues.join(", ")],
      ["attempts", delivery.attempts],
      ["size", bytes(delivery.bytes)],
      ["seq", delivery.seq],
    ],
    context.style,
  );
}
