import { createHash } from "node:crypto";
import type { Clock } from "../../src/lib/clock.ts";
import type { Randomness } from "../../src/lib/ids.ts";
import { jsonReply, type WireReply, type WireRequest } from "../wire.ts";
import { API_KEY_LIMITS, Bucket, OAUTH_LIMITS, type Allowance, type HourlyLimits } from "./limits.ts";

// Lifetimes as Linear states them (developers/oauth-2-0-authentication), seconds.
const CODE_TOKEN_SECONDS = 86_399;
const CLIENT_TOKEN_SECONDS = 2_591_999;
// A refresh may be repeated this long and gives the same answer, so that a lost reply does no harm.
const REFRESH_REPLAY_MS = 30 * 60_000;
// Linear's bound for client credentials; the stand-in applies it to all, oldest out first.
const MAX_TOKENS = 1_000;

interface Grant {
  readonly scope: string;
  readonly expiresAt: number;
}

interface Code {
  readonly scope: string;
  readonly redirectUri: string;
  readonly challenge: string | null;
  readonly method: string;
}

interface Refresh {
  readonly scope: string;
  /** Set once used: until when, and with what answer, it may be used again. */
  readonly replay: { readonly until: number; readonly answer: object } | null;
}

/** The OAuth app and the tokens it was given, and who may call the API. */
export class OAuth {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly apiKey: string;
  /** A token that is there from the start and never ends. */
  readonly firstToken: string;
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  readonly #tokens = new Map<string, Grant>();
  readonly #refreshes = new Map<string, Refresh>();
  readonly #codes = new Map<string, Code>();
  readonly #byKey: Allowance;
  readonly #byApp: Allowance;

  constructor(clock: Clock, randomness: Randomness, limits: HourlyLimits | null) {
    const text = (prefix: string): string => `${prefix}_${randomness.bytes(20).toString("hex")}`;
    this.#clock = clock;
    this.#randomness = randomness;
    this.clientId = randomness.bytes(16).toString("hex");
    this.clientSecret = randomness.bytes(16).toString("hex");
    this.apiKey = text("lin_api");
    this.firstToken = text("lin_oauth");
    this.#tokens.set(this.firstToken, { scope: "read write", expiresAt: Number.POSITIVE_INFINITY });
    const allowance = (kind: Allowance["kind"], hourly: HourlyLimits): Allowance => ({
      identifier: randomness.uuid(),
      kind,
      requests: new Bucket(clock, hourly.requests),
      complexity: new Bucket(clock, hourly.complexity),
    });
    this.#byKey = allowance("apiKey", limits ?? API_KEY_LIMITS);
    this.#byApp = allowance("oauth", limits ?? OAUTH_LIMITS);
  }

  /** Who an Authorization header stands for: the API key bare, a live token with `Bearer`; else nobody. */
  caller(authorization: string | undefined): Allowance | null {
    if (authorization === this.apiKey) return this.#byKey;
    const token = /^Bearer (\S+)$/i.exec(authorization ?? "")?.[1];
    const grant = token === undefined ? undefined : this.#tokens.get(token);
    return grant !== undefined && grant.expiresAt > this.#clock.now() ? this.#byApp : null;
  }

  /** Ends every access token at once, as their expiry would. */
  expireTokens(): void {
    this.#tokens.clear();
  }

  /** `/oauth/authorize`, `/oauth/token`, `/oauth/revoke`; null for any other path. `onRevoked` hears of a revocation. */
  answer(request: WireRequest, onRevoked: () => void): WireReply | null {
    switch (`${request.method} ${request.url.pathname}`) {
      case "GET /oauth/authorize":
        return this.#authorize(request.url.searchParams);
      case "POST /oauth/token":
        return this.#token(withBasic(request));
      case "POST /oauth/revoke":
        return this.#revoke(withBasic(request), request, onRevoked);
      default:
        return null;
    }
  }

  // The consent page, agreed to at once.
  #authorize(asked: URLSearchParams): WireReply {
    const redirectUri = asked.get("redirect_uri") ?? "";
    if (asked.get("client_id") !== this.clientId)
      return oauthError(400, "invalid_client", "Unknown client_id");
    if (asked.get("response_type") !== "code" || !URL.canParse(redirectUri)) {
      return oauthError(400, "invalid_request", "response_type=code and redirect_uri are required");
    }
    const code = this.#randomness.bytes(16).toString("hex");
    bounded(this.#codes).set(code, {
      scope: (asked.get("scope") ?? "read").replaceAll(",", " "),
      redirectUri,
      challenge: asked.get("code_challenge"),
      method: asked.get("code_challenge_method") ?? "plain",
    });
    const back = new URL(redirectUri);
    back.searchParams.set("code", code);
    const state = asked.get("state");
    if (state !== null) back.searchParams.set("state", state);
    return { status: 302, headers: { location: back.href }, body: "" };
  }

  #token(form: URLSearchParams): WireReply {
    const secret = form.get("client_secret");
    const withoutSecret = secret === null && (form.has("code_verifier") || form.has("refresh_token"));
    if (form.get("client_id") !== this.clientId || (secret !== this.clientSecret && !withoutSecret)) {
      return oauthError(401, "invalid_client", "Client authentication failed");
    }
    switch (form.get("grant_type") ?? "") {
      case "authorization_code":
        return this.#exchange(form);
      case "refresh_token":
        return this.#refresh(form.get("refresh_token") ?? "");
      case "client_credentials":
        return jsonReply(200, this.#issue(form.get("scope") ?? "read", CLIENT_TOKEN_SECONDS));
      default:
        return oauthError(400, "unsupported_grant_type", "grant_type is not supported");
    }
  }

  #exchange(form: URLSearchParams): WireReply {
    const key = form.get("code") ?? "";
    const code = this.#codes.get(key);
    this.#codes.delete(key);
    if (code === undefined || code.redirectUri !== form.get("redirect_uri")) {
      return oauthError(400, "invalid_grant", "The code is unknown, used, or for another redirect_uri");
    }
    const verifier = form.get("code_verifier") ?? "";
    const shown =
      code.method === "S256" ? createHash("sha256").update(verifier).digest("base64url") : verifier;
    if (code.challenge !== null && shown !== code.challenge) {
      return oauthError(400, "invalid_grant", "code_verifier does not fit");
    }
    return jsonReply(200, this.#issueRefreshable(code.scope));
  }

  #refresh(token: string): WireReply {
    const known = this.#refreshes.get(token);
    const now = this.#clock.now();
    if (known === undefined || (known.replay !== null && known.replay.until < now)) {
      return oauthError(400, "invalid_grant", "The refresh token is unknown or used");
    }
    if (known.replay !== null) return jsonReply(200, known.replay.answer);
    const answer = this.#issueRefreshable(known.scope);
    this.#refreshes.set(token, { ...known, replay: { until: now + REFRESH_REPLAY_MS, answer } });
    return jsonReply(200, answer);
  }

  #revoke(form: URLSearchParams, request: WireRequest, onRevoked: () => void): WireReply {
    const header = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const token = form.get("token") ?? form.get("access_token") ?? form.get("refresh_token") ?? header ?? "";
    const known = this.#tokens.delete(token) || this.#refreshes.delete(token);
    if (!known) return oauthError(400, "invalid_request", "The token is unknown or revoked already");
    onRevoked();
    return jsonReply(200, { success: true });
  }

  #issueRefreshable(scope: string): object {
    const refreshToken = `lin_refresh_${this.#randomness.bytes(20).toString("hex")}`;
    bounded(this.#refreshes).set(refreshToken, { scope, replay: null });
    return { ...this.#issue(scope, CODE_TOKEN_SECONDS), refresh_token: refreshToken };
  }

  #issue(scope: string, seconds: number): object {
    const token = `lin_oauth_${this.#randomness.bytes(20).toString("hex")}`;
    bounded(this.#tokens).set(token, { scope, expiresAt: this.#clock.now() + seconds * 1_000 });
    return { access_token: token, token_type: "Bearer", expires_in: seconds, scope };
  }
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

function bounded<T>(map: Map<string, T>): Map<string, T> {
  const oldest = map.size >= MAX_TOKENS ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
  return map;
}

function oauthError(status: number, error: string, description: string): WireReply {
  return jsonReply(status, { error, error_description: description });
}
