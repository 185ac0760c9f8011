import { createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { CREDENTIALS } from "../../src/settings/credentials/names.ts";
import type { CredentialName } from "../../src/settings/credentials/names.ts";
import { credentialFiles, readCredentials } from "../../src/settings/credentials/credentials.ts";
import { weakSecrets } from "../../src/settings/credentials/weak.ts";
import type { Credentials } from "../../src/settings/credentials/credentials.ts";
import { readTextFile } from "../../src/settings/load/environment.ts";
import type { Environment } from "../../src/settings/load/locate.ts";
import { problemText } from "../../src/settings/load/problem.ts";
import { missingToServe } from "../../src/settings/load/requirements.ts";
import { GITHUB_CREDENTIALS } from "../../src/settings/sources/github-credentials.ts";
import { LINEAR_CREDENTIALS } from "../../src/settings/sources/linear-credentials.ts";
import { settingsOf } from "./sources.ts";

const KEY_HEX = randomBytes(32).toString("hex");
let rsa: { pkcs1: string; pkcs8: string; public: string; encrypted: string };

beforeAll(() => {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  rsa = {
    pkcs1: pair.privateKey.export({ type: "pkcs1", format: "pem" }) as string,
    pkcs8: pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    public: pair.publicKey.export({ type: "spki", format: "pem" }) as string,
    encrypted: pair.privateKey.export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "canary",
    }) as string,
  };
});

const folders: string[] = [];
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function read(env: Environment, files: Readonly<Record<string, string>> = {}): Credentials {
  const found = readCredentials(env, (path) => files[path] ?? null);
  if (!found.ok) throw new Error(found.problems.map(problemText).join("\n"));
  return found.credentials;
}

function problems(env: Environment, files: Readonly<Record<string, string>> = {}): readonly string[] {
  const found = readCredentials(env, (path) => files[path] ?? null);
  return found.ok ? [] : found.problems.map(problemText);
}

describe("weak secrets", () => {
  const weak = (env: Environment): readonly string[] =>
    weakSecrets(read(env), [LINEAR_CREDENTIALS, GITHUB_CREDENTIALS]).map(problemText);

  test.each([
    ["hunter2-canary", "shorter than 16"],
    ["changeme-changeme-changeme", "repeats"],
    ["my-webhook-secret", "uses common words"],
    ["ChangeMePlease123", "uses common words"],
    ["github_webhook_secret_1234567890", "uses common words"],
    ["your-secret-here-your-password-here", "uses common words"],
    ["aaaaaaaaaaaaaaaaaaaaaaaa", "repeats"],
    ["abcabcabcabcabcabcabcabc", "repeats"],
    ["k7mQz2k7mQz2k7mQz2k7mQz2", "repeats"],
    ["0123456789abcdefghijklmn", "repeats a few characters or counts on"],
    ["zyxwvutsrqponmlkjihgfedc", "repeats a few characters or counts on"],
  ])("%s %s", (secret, why) => {
    for (const name of ["LINEAR_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET_PREVIOUS"]) {
      const [told = "", ...others] = weak({ [name]: secret });
      expect(others).toEqual([]);
      expect(told).toMatch(new RegExp(`^${name}: `));
      expect(told).toContain(why);
      expect(told).not.toContain(secret);
    }
  });

  test("what `openssl rand` makes, what Linear gives out and a long phrase are none", () => {
    for (let sample = 0; sample < 500; sample += 1) {
      const bytes = createHash("sha256").update(`sample ${sample}`).digest();
      for (const secret of [
        bytes.toString("hex"),
        bytes.toString("base64"),
        bytes.subarray(0, 12).toString("base64url"),
        `lin_wh_${bytes.toString("base64url")}`,
        `webhook-secret-${bytes.toString("hex").slice(0, 16)}`,
      ])
        expect(weak({ GITHUB_WEBHOOK_SECRET: secret }), secret).toEqual([]);
    }
    expect(weak({ LINEAR_WEBHOOK_SECRET: "correct horse battery staple" })).toEqual([]);
  });

  test("each says what to do: Linear's is given out, GitHub's is chosen", () => {
    expect(weak({ LINEAR_WEBHOOK_SECRET: "short" })[0]).toContain("copy it again from Linear: ");
    expect(weak({ GITHUB_WEBHOOK_SECRET: "short" })[0]).toContain("openssl rand -hex 32");
    expect(weak({ PATCHRELAY_API_TOKEN: "a".repeat(24) })[0]).toMatch(/^PATCHRELAY_API_TOKEN: repeats/);
  });

  test("two that are the same are told once, whatever they are for; ids are not secret", () => {
    const strong = "5f1c0e8ab94d27366c2be0d1";
    const same = weak({
      LINEAR_WEBHOOK_SECRET: strong,
      GITHUB_WEBHOOK_SECRET: strong,
      LINEAR_OAUTH_CLIENT_SECRET: strong,
      LINEAR_OAUTH_CLIENT_ID: strong,
    });
    expect(same).toHaveLength(2);
    expect(same.every((told) => told.includes("reuses LINEAR_WEBHOOK_SECRET"))).toBe(true);
    const rotating = { LINEAR_WEBHOOK_SECRET: strong, LINEAR_WEBHOOK_SECRET_PREVIOUS: strong };
    expect(weak(rotating)).toEqual([
      "LINEAR_WEBHOOK_SECRET_PREVIOUS: is the same as LINEAR_WEBHOOK_SECRET: no secret is being changed (unset LINEAR_WEBHOOK_SECRET_PREVIOUS, or set it to the one before)",
    ]);
    expect(weak({ ...rotating, LINEAR_WEBHOOK_SECRET_PREVIOUS: `${strong}x` })).toEqual([]);
  });
});

describe("where a credential comes from", () => {
  test("is the variable, else the file that NAME_FILE names, else a systemd credential", () => {
    const files = {
      "/run/key": "from-file\n",
      "/creds/LINEAR_API_KEY": "from-systemd",
      "/creds/GITHUB_TOKEN": "t\r\n",
    };
    const env = { CREDENTIALS_DIRECTORY: "/creds" };
    expect(read({ ...env, LINEAR_API_KEY: "from-env" }, files).LINEAR_API_KEY?.reveal()).toBe("from-env");
    expect(read({ ...env, LINEAR_API_KEY_FILE: "/run/key" }, files).LINEAR_API_KEY?.reveal()).toBe(
      "from-file",
    );
    expect(read(env, files).LINEAR_API_KEY?.reveal()).toBe("from-systemd");
    expect(read(env, files).GITHUB_TOKEN?.reveal()).toBe("t");
    expect(read(env, files).GITHUB_APP_ID).toBeNull();
  });

  test("may be read from files that are known as a list, so that they can be kept from others", () => {
    const files = credentialFiles({ GITHUB_TOKEN_FILE: "/run/token\n", CREDENTIALS_DIRECTORY: "/run/keys" });
    expect(files).toContain("/run/token");
    expect(files).toContain("/run/keys/GITHUB_TOKEN");
    expect(files).toHaveLength(CREDENTIALS.length + 1);
    expect(credentialFiles({ GITHUB_TOKEN: "canary" })).toEqual([]);
  });

  test("may not be both the variable and its file", () => {
    expect(problems({ GITHUB_TOKEN: "canary", GITHUB_TOKEN_FILE: "/run/key" }, { "/run/key": "x" })).toEqual([
      "GITHUB_TOKEN: is set, and so is GITHUB_TOKEN_FILE: only one may be (unset GITHUB_TOKEN or GITHUB_TOKEN_FILE)",
    ]);
    expect(
      read({ GITHUB_TOKEN: " ", GITHUB_TOKEN_FILE: "/run/key" }, { "/run/key": "x" }).GITHUB_TOKEN?.reveal(),
    ).toBe("x");
  });

  test("counts as missing when it is blank, wherever it is", () => {
    const files = { "/run/key": " \n", "/creds/GITHUB_TOKEN": "\n" };
    const env = { LINEAR_API_KEY: "", GITHUB_APP_ID_FILE: "/run/key", CREDENTIALS_DIRECTORY: "/creds" };
    expect(CREDENTIALS.filter((name) => read(env, files)[name] !== null)).toEqual([]);
  });

  test("loses exactly one newline at the end of a file", () => {
    const files = { "/a": "secret \n" };
    expect(read({ LINEAR_WEBHOOK_SECRET_FILE: "/a" }, files).LINEAR_WEBHOOK_SECRET?.reveal()).toBe("secret ");
    expect(problems({ LINEAR_WEBHOOK_SECRET_FILE: "/a" }, { "/a": "secret\n\n" })).toEqual([
      expect.stringContaining("LINEAR_WEBHOOK_SECRET_FILE: contains a line break"),
    ]);
  });

  test("is not shown when a secret stands where a file name belongs, on a real disk too", () => {
    const folder = mkdtempSync(join(tmpdir(), "patchrelay-"));
    folders.push(folder);
    mkdirSync(join(folder, "canary"));
    writeFileSync(join(folder, "canary-large"), Buffer.alloc(1024 * 1024 + 1, 97));
    writeFileSync(join(folder, "ok"), "value\n");
    const env = {
      LINEAR_API_KEY_FILE: join(folder, "canary-absent"),
      GITHUB_TOKEN_FILE: join(folder, "canary"),
      LINEAR_WEBHOOK_SECRET_FILE: join(folder, "canary-large"),
      GITHUB_WEBHOOK_SECRET_FILE: join(folder, "ok", "canary"),
      LINEAR_OAUTH_CLIENT_ID_FILE: "canary\0",
    };
    const found = readCredentials(env, readTextFile);
    if (found.ok) throw new Error("expected problems");
    expect(found.problems.map(({ path }) => path).toSorted()).toEqual(Object.keys(env).toSorted());
    expect(found.problems.map(problemText).join("\n")).not.toContain("canary");
    const good = readCredentials({ GITHUB_TOKEN_FILE: join(folder, "ok") }, readTextFile);
    expect(good.ok && good.credentials.GITHUB_TOKEN?.reveal()).toBe("value");
  });

  test.skipIf(process.getuid?.() === 0)("cannot be a file without read permission", () => {
    const folder = mkdtempSync(join(tmpdir(), "patchrelay-"));
    folders.push(folder);
    writeFileSync(join(folder, "key"), "x");
    chmodSync(join(folder, "key"), 0);
    const found = readCredentials({ GITHUB_TOKEN_FILE: join(folder, "key") }, readTextFile);
    expect(found.ok ? [] : found.problems.map(problemText)).toEqual([
      expect.stringContaining("permission denied"),
    ]);
  });
});

describe("the form of a credential", () => {
  test("of an encryption key is 32 bytes as hex or base64, and comes out as hex", () => {
    const bytes = Buffer.from(KEY_HEX, "hex");
    for (const text of [
      KEY_HEX,
      KEY_HEX.toUpperCase(),
      bytes.toString("base64"),
      bytes.toString("base64url"),
    ]) {
      expect(read({ PATCHRELAY_ENCRYPTION_KEY: text }).PATCHRELAY_ENCRYPTION_KEY?.reveal()).toBe(KEY_HEX);
    }
    for (const text of ["hunter2", KEY_HEX.slice(2), `${KEY_HEX}00`, randomBytes(31).toString("base64")]) {
      expect(problems({ PATCHRELAY_ENCRYPTION_KEY_PREVIOUS: text })).toEqual([
        expect.stringMatching(/^PATCHRELAY_ENCRYPTION_KEY_PREVIOUS: expected 32 random bytes/),
      ]);
    }
  });

  test("of a private key is PKCS#1 or PKCS#8, as lines, with \\n written out or as base64, and comes out as PKCS#8", () => {
    for (const pem of [rsa.pkcs1, rsa.pkcs8]) {
      for (const text of [
        pem,
        pem.replaceAll("\n", "\\n"),
        pem.replaceAll("\n", "\r\n"),
        Buffer.from(pem).toString("base64"),
      ]) {
        expect(read({ GITHUB_APP_PRIVATE_KEY: text }).GITHUB_APP_PRIVATE_KEY?.reveal()).toBe(rsa.pkcs8);
      }
    }
  });

  test("of a private key that is none says what it is instead", () => {
    const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
    const wrong: readonly (readonly [string, string])[] = [
      [rsa.public, "is a public key"],
      [rsa.encrypted, "has a passphrase"],
      [elliptic.export({ type: "pkcs8", format: "pem" }) as string, "is not an RSA key"],
      [rsa.pkcs8.slice(0, 400), "is a damaged PEM"],
      ["canary", "expected a PEM"],
    ];
    for (const [text, message] of wrong) {
      const told = problems({ GITHUB_APP_PRIVATE_KEY: text });
      expect(told).toEqual([expect.stringContaining(`GITHUB_APP_PRIVATE_KEY: ${message}`)]);
      expect(told.join()).not.toContain(text.slice(30, 60) || "canary");
    }
  });

  test("of an API token is 24 characters or more", () => {
    expect(problems({ PATCHRELAY_API_TOKEN: "a".repeat(23) })).toEqual([
      "PATCHRELAY_API_TOKEN: expected at least 24 characters",
    ]);
    expect(read({ PATCHRELAY_API_TOKEN: "a".repeat(24) }).PATCHRELAY_API_TOKEN).not.toBeNull();
  });

  test("is checked for all of them at once, without showing one", () => {
    const env: Partial<Record<CredentialName, string>> = {
      PATCHRELAY_ENCRYPTION_KEY: "canary",
      GITHUB_APP_ID: "canary",
      GITHUB_TOKEN: "canary canary",
      LINEAR_API_KEY: "canary\u200b",
      PATCHRELAY_API_TOKEN: "canary",
      GITHUB_WEBHOOK_SECRET: "canary\u0007",
    };
    const told = problems(env);
    expect(new Set(told.map((line) => line.split(":")[0]))).toEqual(new Set(Object.keys(env)));
    expect(told.join()).not.toContain("canary");
  });

  test("never lets it be printed by accident", () => {
    const credentials = read({ GITHUB_TOKEN: "canary" });
    expect(
      `${inspect(credentials)} ${JSON.stringify(credentials)} ${String(credentials.GITHUB_TOKEN)}`,
    ).not.toContain("canary");
    expect(Object.isFrozen(credentials)).toBe(true);
  });
});

describe("what is missing", () => {
  const complete = {
    LINEAR_WEBHOOK_SECRET: "a",
    GITHUB_WEBHOOK_SECRET: "b",
    LINEAR_API_KEY: "c",
    GITHUB_TOKEN: "d",
  };
  const loopback = settingsOf({});
  const names = (env: Environment, settings = loopback): readonly string[] =>
    missingToServe(settings, read(env)).map(({ name }) => name);

  test("for serve without anything names all, each with its purpose and where to get it", () => {
    const missing = missingToServe(loopback, read({}));
    expect(missing.map(({ name }) => name)).toEqual([
      "LINEAR_WEBHOOK_SECRET",
      "GITHUB_WEBHOOK_SECRET",
      "LINEAR_OAUTH_CLIENT_ID and LINEAR_OAUTH_CLIENT_SECRET",
      "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY, or GITHUB_TOKEN",
    ]);
    for (const { purpose, source } of missing)
      expect(Math.min(purpose.length, source.length)).toBeGreaterThan(20);
  });

  test("for serve is nothing with both webhook secrets, a Linear key and a GitHub token", () => {
    expect(names(complete)).toEqual([]);
  });

  test("for serve is each webhook secret by itself, whatever its predecessor is", () => {
    expect(names({ ...complete, LINEAR_WEBHOOK_SECRET: "", LINEAR_WEBHOOK_SECRET_PREVIOUS: "x" })).toEqual([
      "LINEAR_WEBHOOK_SECRET",
    ]);
    expect(names({ ...complete, GITHUB_WEBHOOK_SECRET: "" })).toEqual(["GITHUB_WEBHOOK_SECRET"]);
  });

  test("for serve are no webhook secrets where webhooks are off", () => {
    const off = settingsOf({ webhooks: "off" });
    expect(names({ LINEAR_API_KEY: "c", GITHUB_TOKEN: "d" }, off)).toEqual([]);
    expect(names({}, off)).toHaveLength(2);
  });

  test("is nothing of Linear's where an application is given, with or without a key beside it", () => {
    const application = { LINEAR_OAUTH_CLIENT_ID: "id", LINEAR_OAUTH_CLIENT_SECRET: "s" };
    expect(names({ ...complete, ...application })).toEqual([]);
    expect(names({ ...complete, ...application, LINEAR_API_KEY: "" })).toEqual([]);
    expect(LINEAR_CREDENTIALS.missing(read(application))).toEqual([]);
  });

  test("is the other half of a pair", () => {
    expect(names({ ...complete, GITHUB_APP_ID: "12" })).toEqual(["GITHUB_APP_PRIVATE_KEY"]);
    expect(names({ ...complete, GITHUB_TOKEN: "", GITHUB_APP_PRIVATE_KEY: rsa.pkcs1 })).toEqual([
      "GITHUB_APP_ID",
    ]);
    expect(names({ ...complete, LINEAR_OAUTH_CLIENT_ID: "id" })).toEqual(["LINEAR_OAUTH_CLIENT_SECRET"]);
    expect(names({ ...complete, LINEAR_API_KEY: "", LINEAR_OAUTH_CLIENT_SECRET: "s" })).toEqual([
      "LINEAR_OAUTH_CLIENT_ID",
    ]);
  });

  test("is the API token where the relay can be reached from elsewhere or asks for it on loopback", () => {
    expect(names(complete, settingsOf({ http: { host: "0.0.0.0" } }))).toEqual(["PATCHRELAY_API_TOKEN"]);
    expect(names(complete, settingsOf({ http: { requireToken: true } }))).toEqual(["PATCHRELAY_API_TOKEN"]);
    const token = { PATCHRELAY_API_TOKEN: "t".repeat(24) };
    expect(names({ ...complete, ...token }, settingsOf({ http: { host: "::" } }))).toEqual([]);
  });

  test("of a source is told by that source alone", () => {
    expect(LINEAR_CREDENTIALS.missing(read({ LINEAR_API_KEY: "c" }))).toEqual([]);
    expect(GITHUB_CREDENTIALS.missing(read({}))).toHaveLength(1);
  });
});
