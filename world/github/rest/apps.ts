import { permissionOf, stamp } from "../model/model.ts";
import { Refused } from "../schemas.ts";
import { personPart, repositoryPart } from "../views/views.ts";
import { deliveryPart } from "../webhooks.ts";
import type { Delivery } from "../webhooks.ts";
import type { Call, Routes } from "./route.ts";
import { notFound, ok, page } from "./route.ts";

const PERMISSIONS = {
  actions: "write",
  checks: "read",
  contents: "write",
  issues: "write",
  merge_queues: "write",
  metadata: "read",
  pull_requests: "write",
  statuses: "read",
};

/** The App itself, its installation, its hook's deliveries, the caller, the limits. */
export const appRoutes: Routes = {
  "apps/get-authenticated": (call) => {
    asApp(call);
    const { app } = call.auth;
    const owner = [...call.core.repositories.values()][0]?.owner;
    return ok({
      id: app.id,
      slug: app.slug,
      node_id: `A_${app.id}`,
      name: app.slug,
      client_id: `Iv1.${app.id}`,
      owner: owner === undefined ? null : personPart(call.core, owner),
      description: null,
      external_url: call.core.urls.web,
      html_url: `${call.core.urls.web}/apps/${app.slug}`,
      permissions: PERMISSIONS,
      events: [],
    });
  },
  "apps/list-installations": (call) => {
    asApp(call);
    return page(call, [installationPart(call)]);
  },
  "apps/get-installation": (call) => {
    asApp(call);
    if (call.path["installation_id"] !== call.auth.app.installation) throw notFound();
    return ok(installationPart(call));
  },
  "apps/get-repo-installation": (call) => {
    asApp(call);
    if (permissionOf(call.repository, call.auth.app.bot) !== "write") throw notFound();
    return ok(installationPart(call));
  },
  "apps/create-installation-access-token": (call) => {
    asApp(call);
    if (call.path["installation_id"] !== call.auth.app.installation) throw notFound();
    const { token, expiresAt } = call.auth.installationToken();
    const permissions = call.body["permissions"] ?? PERMISSIONS;
    return {
      status: 201,
      body: { token: token.reveal(), expires_at: stamp(expiresAt), permissions, repository_selection: "all" },
    };
  },
  "apps/list-repos-accessible-to-installation": (call) => {
    if (call.actor.kind !== "installation") throw new Refused(403, "Resource not accessible by integration");
    const mine = [...call.core.repositories.values()].filter(
      (repository) => permissionOf(repository, call.actor.person) !== "none",
    );
    return page(
      call,
      mine.map((repository) => repositoryPart(call.core, repository)),
      "repositories",
    );
  },
  "apps/list-webhook-deliveries": (call) => {
    asApp(call);
    const size = Number(call.query["per_page"] ?? 30);
    const before = Number(call.query["cursor"] ?? Infinity);
    const { status } = call.query;
    const fine = (delivery: Delivery): boolean => delivery.status >= 200 && delivery.status < 300;
    const found = call.webhooks.deliveries
      .filter(
        (delivery) =>
          delivery.id < before && (status === undefined || fine(delivery) === (status === "success")),
      )
      .toReversed();
    const items = found.slice(0, size);
    const next = new URL(call.url);
    next.searchParams.set("cursor", String(items.at(-1)?.id ?? 0));
    return {
      status: 200,
      body: items.map((delivery) => deliveryPart(delivery, false)),
      headers: found.length > size ? { link: `<${next.href}>; rel="next"` } : {},
    };
  },
  "apps/get-webhook-delivery": (call) => {
    asApp(call);
    return ok(deliveryPart(deliveryOf(call), true));
  },
  "apps/redeliver-webhook-delivery": (call) => {
    asApp(call);
    const { sent } = deliveryOf(call);
    call.core.work.start(async () => {
      await call.webhooks.sender.resend(sent.id);
    });
    return { status: 202, body: {} };
  },
  "users/get-authenticated": (call) => {
    if (call.actor.kind === "anonymous") throw new Refused(401, "Requires authentication");
    if (call.actor.kind !== "user") throw new Refused(403, "Resource not accessible by integration");
    return ok(personPart(call.core, call.actor.person));
  },
  "meta/get": () => ok({ verifiable_password_authentication: false, hooks: ["127.0.0.1/32"] }),
};

function asApp(call: Call): void {
  if (call.actor.kind !== "app") throw new Refused(401, "A JSON web token could not be decoded");
}

function deliveryOf(call: Call): Delivery {
  const delivery = call.webhooks.deliveries.find((candidate) => candidate.id === call.path["delivery_id"]);
  if (delivery === undefined) throw notFound();
  return delivery;
}

function installationPart(call: Call): unknown {
  const { app } = call.auth;
  const owner = [...call.core.repositories.values()][0]?.owner ?? app.bot;
  return {
    id: app.installation,
    app_id: app.id,
    app_slug: app.slug,
    client_id: `Iv1.${app.id}`,
    account: personPart(call.core, owner),
    target_id: owner.id,
    target_type: "Organization",
    repository_selection: "all",
    permissions: PERMISSIONS,
    events: [],
    single_file_name: null,
    suspended_at: null,
    suspended_by: null,
  };
}
