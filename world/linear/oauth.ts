import { createHash } from "node:crypto";
import { jsonReply, type WireReply, type WireRequest } from "../wire.ts";
import { API_KEY_LIMITS, Bucket, OAUTH_LIMITS, type Allowance, type HourlyLimits } from "./limits.ts";
import type { Model } from "./model/model.ts";
import { Tokens, type Actor } from "./tokens.ts";
import type { Caller } from "./view.ts";

// How long a consent may wait to be exchanged. Linear does not say; RFC 6749 wants at most this.
const CODE_MS = 10 * 60_000;

/** Every scope Linear knows (developers/oauth-2-0-authentication, developers/agents). */
const SCOPES = new Set([
  "read",
  "write",
  "issues:create",
  "comments:create",
  "timeSchedule:write",
  "admin",
  "app:assignable",
  "app:mentionable",
  "customer:read",
  "customer:write",
  "initiative:read",
  "initiative:write",
]);

/** What an agent asks for. */
const AGENT_SCOPES = ["read", "write", "app:assignable", "app:mentionable"];

interface Code {
  readonly actor: Actor;
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  readonly challenge: { readonly text: string; readonly method: string } | null;
  readonly expiresAt: number;
}

/** What the page of the application in Linear's settings shows; its owner may change it at any time. */
interface AppSettings {
  /** Whether client credentials give a token. */
  clientCredentials: boolean;
  /** Where a consent may lead back to, exactly. */
  redirectUris: readonly string[];
}

/** Our OAuth application, the tokens it was given, and who may call the API. */
export class OAuth {
  readonly clientId: string;
  /** A person's key: the first of the workspace. */
  readonly apiKey: string;
  /** An app token that is there from the start and never ends by itself. */
  readonly firstToken: string;
  readonly settings: AppSettings = {
    clientCredentials: true,
    redirectUris: ["http://127.0.0.1:8787/oauth/linear/callback"],
  };
  /** What the admin says on the consent page; `asked` = it is shown, and a browser has to answer it. */
  consent: "given" | "denied" | "asked" = "given";
  readonly #model: Model;
  readonly #tokens: Tokens;
  readonly #codes = new Map<string, Code>();
  readonly #allowances: Readonly<Record<"key" | "app" | "user", Allowance>>;
  #clientSecret: string;

  constructor(
    model: Model,
    limits: HourlyLimits | null,
    application: { readonly clientId: string; readonly clientSecret: string } | null,
  ) {
    const { clock, randomness } = model;
    this.#model = model;
    this.#tokens = new Tokens(clock, randomness);
    this.clientId = application?.clientId ?? randomness.bytes(16).toString("hex");
    this.#clientSecret = application?.clientSecret ?? randomness.bytes(16).toString("hex");
    this.apiKey = `lin_api_${randomness.bytes(20).toString("hex")}`;
    this.firstToken = this.#tokens.endless(AGENT_SCOPES);
    const allowance = (kind: Allowance["kind"], hourly: HourlyLimits): Allowance => ({
      identifier: randomness.uuid(),
      kind,
      requests: new Bucket(clock, hourly.requests),
      complexity: new Bucket(clock, hourly.complexity),
    });
    this.#allowances = {
      key: allowance("apiKey", limits ?? API_KEY_LIMITS),
      app: allowance("oauth", limits ?? OAUTH_LIMITS),
      user: allowance("oauth", limits ?? OAUTH_LIMITS),
    };
  }

  get clientSecret(): string {
    return this.#clientSecret;
  }

  /** Who an Authorization header stands for: the API key bare, a live token with `Bearer`; else nobody. */
  caller(authorization: string | undefined): Caller | null {
    if (authorization === this.apiKey) {
      return { userId: this.#model.firstPerson().id, scopes: null, allowance: this.#allowances.key };
    }
    const text = /^Bearer (\S+)$/i.exec(authorization ?? "")?.[1];
    const token = text === undefined ? null : this.#tokens.find(text);
    if (token === null) return null;
    const scopes = new Set(token.scopes);
    return token.actor === "app"
      ? { userId: this.#model.installation.appUserId, scopes, allowance: this.#allowances.app }
      : { userId: this.#model.firstPerson().id, scopes, allowance: this.#allowances.user };
  }

  /** Ends every access token at once, as their expiry would. */
  expireTokens(): void {
    this.#tokens.expireAll();
  }

  /** A new client secret; what client credentials gave with the old one ends. */
  rotateSecret(): string {
    this.#clientSecret = this.#model.randomness.bytes(16).toString("hex");
    this.#tokens.dropClientCredentials();
    return this.#clientSecret;
  }

  /** An admin removes the application from the workspace: every token ends, and its webhook is told a last time. */
  uninstall(): void {
    this.#tokens.dropAll();
    this.#model.tell({ kind: "revoked" });
    this.#model.grant = null;
  }

  /** `/oauth/authorize`, `/oauth/token`, `/oauth/revoke`; null for any other path. */
  answer(request: WireRequest): WireReply | null {
    switch (`${request.method} ${request.url.pathname}`) {
      case "GET /oauth/authorize":
        return this.consent === "asked"
          ? consentPage(request.url)
          : this.#authorize(request.url.searchParams, this.consent);
      case "POST /oauth/authorize":
        return this.#authorize(
          request.url.searchParams,
          new URLSearchParams(request.body.toString("utf8")).get("consent") === "given" ? "given" : "denied",
        );
      case "POST /oauth/token":
        return this.#token(withBasic(request));
      case "POST /oauth/revoke":
        return this.#revoke(withBasic(request), request);
      default:
        return null;
    }
  }

  // The answer of the consent page. Nobody is sent to an address that is not the application's own.
  #authorize(asked: URLSearchParams, consent: "given" | "denied"): WireReply {
    const redirectUri = asked.get("redirect_uri") ?? "";
    if (asked.get("client_id") !== this.clientId) {
      return oauthError(400, "invalid_client", "Unknown client_id");
    }
    if (!this.settings.redirectUris.includes(redirectUri)) {
      return oauthError(400, "invalid_request", "redirect_uri is not one of the application's");
    }
    const back = new URL(redirectUri);
    const state = asked.get("state");
    if (state !== null) back.searchParams.set("state", state);
    const code = this.#codeFor(asked, redirectUri, consent);
    if (typeof code === "string") back.searchParams.set("error", code);
    else {
      const key = this.#model.randomness.bytes(16).toString("hex");
      this.#codes.set(key, code);
      back.searchParams.set("code", key);
    }
    return { status: 302, headers: { location: back.href }, body: "" };
  }

  // The code of a consent, or the `error` to go back with.
  #codeFor(asked: URLSearchParams, redirectUri: string, consent: "given" | "denied"): Code | string {
    const scopes = scopesOf(asked.get("scope"));
    const wanted = asked.get("actor") ?? "user";
    // `application` is what `app` was called before.
    const actor = wanted === "application" ? "app" : wanted;
    const challenge = asked.get("code_challenge");
    const method = asked.get("code_challenge_method") ?? "plain";
    if (asked.get("response_type") !== "code") return "unsupported_response_type";
    if (actor !== "app" && actor !== "user") return "invalid_request";
    if (challenge !== null && !["plain", "S256"].includes(method)) return "invalid_request";
    if (scopes === null || (actor === "app" && scopes.includes("admin"))) return "invalid_scope";
    if (consent === "denied") return "access_denied";
    return {
      actor,
      scopes,
      redirectUri,
      challenge: challenge === null ? null : { text: challenge, method },
      expiresAt: this.#model.clock.now() + CODE_MS,
    };
  }

  #token(form: URLSearchParams): WireReply {
    const secret = form.get("client_secret");
    const withoutSecret =
      secret === null &&
      (this.#tokens.withoutSecret(form.get("refresh_token") ?? "") ||
        (this.#codes.get(form.get("code") ?? "")?.challenge ?? null) !== null);
    if (form.get("client_id") !== this.clientId || (secret !== this.#clientSecret && !withoutSecret)) {
      return oauthError(401, "invalid_client", "Client authentication failed");
    }
    switch (form.get("grant_type") ?? "") {
      case "authorization_code":
        return this.#exchange(form);
      case "refresh_token":
        return this.#refresh(form.get("refresh_token") ?? "");
      case "client_credentials":
        return this.#clientCredentials(form.get("scope"));
      default:
        return oauthError(400, "unsupported_grant_type", "grant_type is not supported");
    }
  }

  #clientCredentials(scope: string | null): WireReply {
    if (!this.settings.clientCredentials) {
      return oauthError(400, "Error", "Client does not support the client_credentials grant type");
    }
    const scopes = scopesOf(scope);
    if (scopes === null || scopes.includes("admin")) {
      return oauthError(400, "invalid_scope", "The scope is unknown, or not for an app");
    }
    const answer = this.#tokens.byClientCredentials(scopes);
    this.#granted(scopes, false);
    return jsonReply(200, answer);
  }

  #exchange(form: URLSearchParams): WireReply {
    const key = form.get("code") ?? "";
    const code = this.#codes.get(key);
    this.#codes.delete(key);
    const late = code !== undefined && code.expiresAt <= this.#model.clock.now();
    if (code === undefined || late || code.redirectUri !== form.get("redirect_uri")) {
      return oauthError(400, "invalid_grant", "The code is unknown, used, late, or for another redirect_uri");
    }
    const verifier = form.get("code_verifier") ?? "";
    if (code.challenge !== null) {
      const { text, method } = code.challenge;
      const shown = method === "S256" ? createHash("sha256").update(verifier).digest("base64url") : verifier;
      if (shown !== text) return oauthError(400, "invalid_grant", "code_verifier does not fit");
    }
    const answer = this.#tokens.byCode(code.actor, code.scopes, code.challenge !== null);
    if (code.actor === "app") this.#granted(code.scopes, true);
    return jsonReply(200, answer);
  }

  #refresh(token: string): WireReply {
    const answer = this.#tokens.refreshed(token);
    return answer === null
      ? oauthError(400, "invalid_grant", "The refresh token is unknown or used")
      : jsonReply(200, answer);
  }

  // The newest grant says what the app may do. Only a consent turns on agent sessions that the earlier one lacked.
  #granted(scopes: readonly string[], consented: boolean): void {
    const before = this.#model.grant;
    const agentSessions =
      consented || before === null ? this.#model.agentSessionEvents : before.agentSessions;
    this.#model.grant = { scopes: new Set(scopes), agentSessions };
  }

  #revoke(form: URLSearchParams, request: WireRequest): WireReply {
    const header = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? null;
    const older = form.get("access_token") ?? form.get("refresh_token") ?? header;
    const token = form.get("token");
    const secret = form.get("client_secret");
    const known =
      form.get("client_id") === this.clientId && (secret ?? this.#clientSecret) === this.#clientSecret;
    if (!known && (header === null || this.#tokens.find(header) === null)) {
      return oauthError(401, "invalid_client", "Not authenticated");
    }
    if (token !== null && older !== null) {
      return oauthError(400, "invalid_request", "token stands alone or not at all");
    }
    if (!this.#tokens.revoke(token ?? older ?? "")) {
      return oauthError(400, "invalid_request", "The token is unknown or revoked already");
    }
    if (!this.#tokens.appHasAny()) this.uninstall();
    return jsonReply(200, { success: true });
  }
}

// The scopes asked for, with `read`, which is always there; null = one is unknown.
function scopesOf(text: string | null): readonly string[] | null {
  const asked = (text ?? "").split(/[\s,]+/).filter((scope) => scope !== "");
  return asked.every((scope) => SCOPES.has(scope)) ? [...new Set(["read", ...asked])] : null;
}

// Form fields, with client id and secret from HTTP Basic where they come that way.
function withBasic(request: WireRequest): URLSearchParams {
  const form = new URLSearchParams(request.body.toString("utf8"));
  const basic = /^Basic (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (basic === undefined) return form;
  const [id = "", secret = ""] = Buffer.from(basic, "base64").toString("utf8").split(":");
  form.set("client_id", id);
  form.set("client_secret", secret);
  return form;
}

function oauthError(status: number, error: string, description: string): WireReply {
  return jsonReply(status, { error, error_description: description });
}

/** What Linear asks an admin, as far as a browser needs it to go on. */
function consentPage(url: URL): WireReply {
  const scopes = (url.searchParams.get("scope") ?? "").replace(/[^\w:,]/g, "");
  const body = `<!doctype html><html lang="en"><title>Authorize</title><form method="post">
<p>Patchrelay wants to access this workspace: ${scopes}</p>
<button name="consent" value="denied">Cancel</button> <button name="consent" value="given">Authorize</button></form></html>`;
  return { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body };
}
