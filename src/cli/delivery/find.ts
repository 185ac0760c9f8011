import type { DeliveryDocument } from "../../engines/documents.ts";
import { deliveryName } from "../../engines/engine.ts";
import type { Views } from "../../engines/engine.ts";
import type { Argument } from "../usage/command.ts";
import { quoted } from "../usage/argv.ts";
import { notFound, wrongUsage } from "../usage/failure.ts";

/** The argument of every command that is about one delivery. */
export const ID: Argument = { name: "ID", says: "the delivery's id, or source:id", required: true };

/** The delivery of that id. Rejects with Failure: exit 3 when there is none, 2 when more than one source has it. */
export async function oneDelivery(views: Views, id: string): Promise<DeliveryDocument> {
  const [first, ...others] = await views.delivery(id);
  if (first === undefined) {
    throw notFound(`there is no delivery ${quoted(id)}`, "`patchrelay delivery list` shows the stored ones");
  }
  if (others.length > 0) {
    const names = [first, ...others].map(deliveryName);
    throw wrongUsage(`more than one delivery has the id ${quoted(id)}`, `name one: ${names.join(" or ")}`);
  }
  return first;
}
