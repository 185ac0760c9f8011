import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";

/** Requests of this process that are still waiting for the end of their answer. */
const underWay = new Set<ClientRequest>();

subscribe("http.client.request.start", (message) => {
  const { request } = message as { readonly request: ClientRequest };
  underWay.add(request);
  request.once("close", () => underWay.delete(request));
});

/** Whether the relay, which lives in this process, is waiting for somebody's answer. */
export function isCalling(): boolean {
  return underWay.size > 0;
}
