import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { Secret } from "../../src/lib/secrets/secret.ts";
import type { Core, Person } from "./model/model.ts";
import { Refused } from "./schemas.ts";

/** Who a request comes from. */
export interface Actor {
  readonly kind: "app" | "installation" | "user" | "anonymous";
  readonly person: Person;
}

/** The GitHub App that the stand-in knows. */
interface App {
  readonly id: number;
  readonly slug: string;
  readonly installation: number;
  readonly bot: Person;
  /** PKCS#1 PEM, as GitHub hands it out. */
  readonly privateKey: Secret;
  readonly publicKey: KeyObject;
}

interface Token {
  readonly person: Person;
  readonly kind: "installation" | "user";
  /** Unix milliseconds; Infinity = never. */
  readonly expiresAt: number;
}

export interface Auth {
  readonly app: App;
  /** A token of a person that does not expire. */
  tokenFor(person: Person): Secret;
  /** A token of the installation, good for an hour. */
  installationToken(): { readonly token: Secret; readonly expiresAt: number };
  /** Makes every token so far worthless. */
  revokeAll(): void;
  /** Throws Refused 401 with GitHub's own words. */
  authenticate(authorization: string | undefined): Actor;
}

const TOKEN_LIFE_MS = 60 * 60_000;
const KEPT_TOKENS = 1_000;

interface KeyPair {
  readonly privateKey: Secret;
  readonly publicKey: KeyObject;
}

// One App per process is enough, and making a key is slow.
let keyPair: KeyPair | null = null;

function newKeyPair(): KeyPair {
  const pair = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  return { privateKey: new Secret(pair.privateKey), publicKey: createPublicKey(pair.publicKey) };
}

/** Makes the App's key pair and keeps its tokens. */
export function openAuth(core: Core, bot: Person, ghost: Person): Auth {
  keyPair ??= newKeyPair();
  const app: App = {
    id: 90_001,
    slug: bot.login.replace("[bot]", ""),
    installation: 70_001,
    bot,
    privateKey: keyPair.privateKey,
    publicKey: keyPair.publicKey,
  };
  const tokens = new Map<string, Token>();
  const issue = (prefix: string, token: Token): Secret => {
    const text = prefix + core.randomness.bytes(27).toString("hex").slice(0, 36);
    tokens.set(text, token);
    const oldest = tokens.keys().next();
    if (tokens.size > KEPT_TOKENS && oldest.done !== true) tokens.delete(oldest.value);
    return new Secret(text);
  };
  return {
    app,
    tokenFor: (person) => issue("ghp_", { person, kind: "user", expiresAt: Infinity }),
    installationToken() {
      const expiresAt = core.clock.now() + TOKEN_LIFE_MS;
      return { token: issue("ghs_", { person: bot, kind: "installation", expiresAt }), expiresAt };
    },
    revokeAll: () => tokens.clear(),
    authenticate(authorization) {
      if (authorization === undefined) return { kind: "anonymous", person: ghost };
      const given = credentialIn(authorization);
      const token = tokens.get(given);
      if (token !== undefined && token.expiresAt > core.clock.now())
        return { kind: token.kind, person: token.person };
      if (token === undefined && !given.startsWith("gh") && given.split(".").length === 3) {
        checkJwt(app, given, core.clock.now() / 1000);
        return { kind: "app", person: bot };
      }
      throw new Refused(401, "Bad credentials");
    },
  };
}

function credentialIn(authorization: string): string {
  const space = authorization.indexOf(" ");
  const scheme = authorization.slice(0, space).toLowerCase();
  const value = authorization.slice(space + 1).trim();
  if (scheme !== "basic") return value;
  const pair = Buffer.from(value, "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
}

/** RS256, `iss` = the App's id, `iat` not in the future, `exp` at most ten minutes ahead. */
function checkJwt(app: App, jwt: string, nowSeconds: number): void {
  const [head = "", body = "", signature = ""] = jwt.split(".");
  const header = decoded(head);
  const claims = decoded(body);
  const good =
    header["alg"] === "RS256" &&
    verify("sha256", Buffer.from(`${head}.${body}`), app.publicKey, Buffer.from(signature, "base64url"));
  if (!good) throw new Refused(401, "A JSON web token could not be decoded");
  if (String(claims["iss"]) !== String(app.id)) throw new Refused(401, "Integration not found");
  const { iat, exp } = claims;
  if (typeof iat !== "number" || iat > nowSeconds) {
    throw new Refused(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  }
  if (typeof exp !== "number" || exp <= nowSeconds) {
    throw new Refused(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  }
  if (exp > nowSeconds + 600)
    throw new Refused(401, "'Expiration time' claim ('exp') is too far in the future");
}

function decoded(part: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8")) as Record<string, unknown>;
  } catch {
    throw new Refused(401, "A JSON web token could not be decoded");
  }
}
