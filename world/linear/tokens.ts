import type { Clock } from "../../src/lib/clock.ts";
import type { Randomness } from "../../src/lib/ids.ts";

/** Whose a token is: the app itself, or the person who signed in through it. */
export type Actor = "app" | "user";

/** What an access token stands for. */
export interface Token {
  readonly actor: Actor;
  readonly scopes: readonly string[];
  /** How it was come by. An app's tokens live together only when all come by client credentials. */
  readonly by: "code" | "client_credentials";
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

interface Refresh {
  readonly of: Token;
  /** The code was bound to a PKCE challenge, so that the client needs no secret. */
  readonly pkce: boolean;
  readonly accessToken: string;
  /** Set once used: until when, and with what answer, it may be used again. */
  readonly replay: { readonly until: number; readonly answer: object } | null;
}

// Lifetimes as Linear states them (developers/oauth-2-0-authentication), seconds.
const CODE_TOKEN_SECONDS = 86_399;
const CLIENT_TOKEN_SECONDS = 2_591_999;
// A refresh may be repeated this long and gives the same answer, so that a lost reply does no harm.
const REFRESH_REPLAY_MS = 30 * 60_000;
// Linear's bound for client credentials; the stand-in applies it to all, oldest out first.
const MAX_TOKENS = 1_000;

/** Every access and refresh token that was handed out and not taken back. */
export class Tokens {
  readonly #clock: Clock;
  readonly #randomness: Randomness;
  readonly #access = new Map<string, Token>();
  readonly #refreshes = new Map<string, Refresh>();

  constructor(clock: Clock, randomness: Randomness) {
    this.#clock = clock;
    this.#randomness = randomness;
  }

  /** The token with this text, unless it has expired or is gone. */
  find(text: string): Token | null {
    const token = this.#access.get(text);
    return token !== undefined && token.expiresAt > this.#clock.now() ? token : null;
  }

  /** A token of the app for as long as nobody takes it back: the one a workspace starts with. */
  endless(scopes: readonly string[]): string {
    return this.#put({ actor: "app", scopes, by: "client_credentials", expiresAt: Number.POSITIVE_INFINITY });
  }

  /** The answer to client credentials. Other scopes than those of the living tokens end all of these. */
  byClientCredentials(scopes: readonly string[]): object {
    const same = scopes.toSorted().join(" ");
    this.#dropApp((other) => other.by === "code" || other.scopes.toSorted().join(" ") !== same);
    const token = this.#token("app", scopes, "client_credentials", CLIENT_TOKEN_SECONDS);
    return answer(this.#put(token), token, CLIENT_TOKEN_SECONDS);
  }

  /** The answer to a code: a token for a day with its refresh token. An app's earlier tokens end. */
  byCode(actor: Actor, scopes: readonly string[], pkce: boolean): object {
    if (actor === "app") this.#dropApp(() => true);
    return this.#withRefresh(this.#token(actor, scopes, "code", CODE_TOKEN_SECONDS), pkce);
  }

  /** The answer to a refresh token; null when it is unknown, or was used too long ago. */
  refreshed(text: string): object | null {
    const known = this.#refreshes.get(text);
    const now = this.#clock.now();
    if (known === undefined) return null;
    if (known.replay !== null) return known.replay.until < now ? null : known.replay.answer;
    const { actor, scopes } = known.of;
    const next = this.#withRefresh(this.#token(actor, scopes, "code", CODE_TOKEN_SECONDS), known.pkce);
    this.#refreshes.set(text, { ...known, replay: { until: now + REFRESH_REPLAY_MS, answer: next } });
    return next;
  }

  /** Whether this refresh token needs no client secret. */
  withoutSecret(refreshToken: string): boolean {
    return this.#refreshes.get(refreshToken)?.pkce === true;
  }

  /** Takes a token back, an access token with its refresh token and the other way round. False: there is none. */
  revoke(text: string): boolean {
    const refresh = [...this.#refreshes].find(
      ([key, { accessToken }]) => key === text || accessToken === text,
    );
    if (refresh !== undefined) {
      this.#refreshes.delete(refresh[0]);
      this.#access.delete(refresh[1].accessToken);
      return true;
    }
    return this.#access.delete(text);
  }

  /** Whether the app itself has any token left, living or to be refreshed. */
  appHasAny(): boolean {
    const living = [...this.#access.keys()].some((text) => this.find(text)?.actor === "app");
    return (
      living || [...this.#refreshes.values()].some(({ of, replay }) => of.actor === "app" && replay === null)
    );
  }

  /** Ends every access token at once, as their expiry would. */
  expireAll(): void {
    this.#access.clear();
  }

  /** Takes back what client credentials gave. */
  dropClientCredentials(): void {
    this.#dropApp((token) => token.by === "client_credentials");
  }

  /** Takes back everything. */
  dropAll(): void {
    this.#access.clear();
    this.#refreshes.clear();
  }

  #dropApp(which: (token: Token) => boolean): void {
    for (const [text, token] of this.#access)
      if (token.actor === "app" && which(token)) this.#access.delete(text);
    for (const [text, { of }] of this.#refreshes)
      if (of.actor === "app" && which(of)) this.#refreshes.delete(text);
  }

  #token(actor: Actor, scopes: readonly string[], by: Token["by"], seconds: number): Token {
    return { actor, scopes, by, expiresAt: this.#clock.now() + seconds * 1_000 };
  }

  #withRefresh(token: Token, pkce: boolean): object {
    const accessToken = this.#put(token);
    const refreshToken = `lin_refresh_${this.#randomness.bytes(20).toString("hex")}`;
    bounded(this.#refreshes).set(refreshToken, { of: token, pkce, accessToken, replay: null });
    return { ...answer(accessToken, token, CODE_TOKEN_SECONDS), refresh_token: refreshToken };
  }

  #put(token: Token): string {
    const text = `lin_oauth_${this.#randomness.bytes(20).toString("hex")}`;
    bounded(this.#access).set(text, token);
    return text;
  }
}

function answer(accessToken: string, token: Token, seconds: number): object {
  return {
    access_token: accessToken,
    token_type: "Bearer",
    expires_in: seconds,
    scope: token.scopes.join(" "),
  };
}

function bounded<T>(map: Map<string, T>): Map<string, T> {
  const oldest = map.size >= MAX_TOKENS ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
  return map;
}
