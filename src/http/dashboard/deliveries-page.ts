import type { DeliveryDocument, Page } from "../../engines/documents.ts";
import { deliveryName } from "../../engines/engine.ts";
import { html } from "../../lib/html.ts";
import type { Html } from "../../lib/html.ts";
import { page } from "./page.ts";
import { badge, issueLink, more, when } from "./parts.ts";

export interface DeliveriesView {
  readonly deliveries: Page<DeliveryDocument>;
  readonly filter: { readonly state: string | null };
}

const STATES = ["pending", "applied", "ignored", "quarantined"];

/** The webhooks that came in, and what became of them. */
export function deliveriesPage({ deliveries, filter }: DeliveriesView): Html {
  const link = (state: string | null, words: string): Html =>
    html`<a
      href="/deliveries${state === null ? "" : `?state=${state}`}"
      ${filter.state === state ? html`aria-current="true"` : null}
      >${words}</a
    >`;
  return page(
    "Deliveries",
    "deliveries",
    html`<h1>Deliveries</h1>
      <nav class="tabs" aria-label="State">
        ${link(null, "all")} ${STATES.map((state) => link(state, state))}
      </nav>
      <div id="deliveries" data-live>
        ${
          deliveries.items.length === 0
            ? html`<p class="card faint">
                No webhooks${filter.state === null ? " yet" : ` are ${filter.state}`}.
              </p>`
            : html`<ul class="plain deliveries">
                ${deliveries.items.map(row)}
              </ul>`
        }
        ${more("/deliveries", filter, deliveries.nextCursor)}
      </div>`,
  );
}

function row(delivery: DeliveryDocument): Html {
  const { source, deliveryId } = delivery;
  return html`<li class="card">
    <div class="line">
      <span>
        <strong>${source}</strong>
        ${delivery.event}${delivery.action === null ? null : html`.${delivery.action}`}
        ${delivery.issues.map((issue) => html` ${issueLink(issue)}`)}
      </span>
      ${badge(delivery.state)}
    </div>
    ${delivery.why === null ? null : html`<p><bdi>${delivery.why}</bdi></p>`}
    <div class="line small faint">
      <span><code>${deliveryId}</code> · ${delivery.bytes} bytes · ${when(delivery.receivedAt)}</span>
      <form data-command="/api/deliveries/${encodeURIComponent(deliveryName(delivery))}/replay">
        <button class="quiet">Replay</button>
      </form>
    </div>
  </li>`;
}
