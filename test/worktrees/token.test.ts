import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Log } from "../../src/lib/log.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { put, stage } from "./stage.ts";
import type { Stage } from "./stage.ts";

// A credential is sent in one header of one command. These tests look at everything else.

const TOKEN = "ghs_canary0123456789";
const BASIC = Buffer.from(`x-access-token:${TOKEN}`).toString("base64");

let on: Stage;
let server: Server;
let answer: (authorization: string | undefined) => {
  status: number;
  body: string;
  headers?: Record<string, string>;
};
const seen: (string | undefined)[] = [];

beforeEach(async () => {
  on = await stage();
  seen.length = 0;
  answer = (authorization) => ({ status: 403, body: `go away, ${authorization ?? "stranger"}` });
  server = createServer((request, response) => {
    seen.push(request.headers.authorization);
    const { status, body, headers } = answer(request.headers.authorization);
    response.writeHead(status, { "content-type": "text/plain", ...headers }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  on.end();
});

const host = (): string => `127.0.0.1:${(server.address() as AddressInfo).port}`;
const token = async (): Promise<Secret> => await Promise.resolve(new Secret(TOKEN));

describe("a token", () => {
  test("goes to the forge's host in a header, and into no argument, file, log or error", async () => {
    const argv = join(on.folder, "argv");
    const realGit = execFileSync("which", ["git"], { encoding: "utf8" }).trim();
    put(on.folder, { git: `#!/bin/sh\necho "$@" >> ${argv}\nexec ${realGit} "$@"\n` });
    chmodSync(join(on.folder, "git"), 0o755);
    const lines: string[] = [];
    const note = (message: string, fields?: unknown): void => {
      lines.push(`${message} ${JSON.stringify(fields)}`);
    };
    const log: Log = { debug: note, info: note, warn: note, error: note, with: () => log };
    const relay = await on.restart({
      forge: { host: host(), credential: "GITHUB_TOKEN" },
      gitBin: join(on.folder, "git"),
      log,
    });
    const failed = on.prepare({ cloneUrl: `http://${host()}/example/app.git`, token }, relay);
    const error = await failed.then(
      () => null,
      (thrown: unknown) => thrown as Error,
    );
    expect(error).toMatchObject({ name: "ExternalError", kind: "refused" });
    // The server repeats the header in its answer, and git repeats the answer in its error.
    expect(error?.message).toContain("go away, Basic [secret]");
    expect(seen).toEqual([`Basic ${BASIC}`]);
    expect(readFileSync(argv, "utf8")).toContain("ls-remote");
    const texts = [readFileSync(argv, "utf8"), lines.join("\n"), error?.stack ?? "", JSON.stringify(error)];
    for (const entry of readdirSync(join(on.folder, "relay"), { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) texts.push(readFileSync(join(entry.parentPath, entry.name), "latin1"));
    }
    for (const text of texts) {
      expect(text).not.toContain(TOKEN);
      expect(text).not.toContain(BASIC);
    }
  });

  test("goes to no other host, and is not even asked for", async () => {
    let asked = 0;
    const counting = async (): Promise<Secret> => {
      asked += 1;
      return await token();
    };
    const relay = await on.restart({ forge: { host: "github.com", credential: "GITHUB_TOKEN" } });
    const cloneUrl = `http://${host()}/example/app.git`;
    await expect(on.prepare({ cloneUrl, token: counting }, relay)).rejects.toMatchObject({
      kind: "refused",
    });
    expect(seen).toEqual([undefined]);
    await on.prepare({ token: counting }, relay);
    expect(asked).toBe(0);
  });

  test("is not carried along by a redirect, because redirects are not followed", async () => {
    const elsewhere = `http://localhost:${host().split(":")[1]}/elsewhere/info/refs?service=git-upload-pack`;
    answer = () => ({ status: 302, body: "", headers: { location: elsewhere } });
    const relay = await on.restart({ forge: { host: host(), credential: "GITHUB_TOKEN" } });
    const failed = on.prepare({ cloneUrl: `http://${host()}/example/app.git`, token }, relay);
    await expect(failed).rejects.toMatchObject({ name: "ExternalError" });
    expect(seen).toEqual([`Basic ${BASIC}`]);
  });

  test("that is refused is told apart from a repository that is not there", async () => {
    const relay = await on.restart({ forge: { host: host(), credential: "GITHUB_TOKEN" } });
    const cloneUrl = `http://${host()}/example/app.git`;
    answer = () => ({ status: 401, body: "", headers: { "www-authenticate": "Basic" } });
    await expect(on.prepare({ cloneUrl, token }, relay)).rejects.toMatchObject({
      kind: "unauthorized",
    });
    answer = () => ({ status: 404, body: "" });
    await expect(on.prepare({ cloneUrl, token }, relay)).rejects.toMatchObject({
      kind: "not_found",
    });
    answer = () => ({ status: 502, body: "" });
    await expect(on.prepare({ cloneUrl, token }, relay)).rejects.toMatchObject({
      kind: "unavailable",
    });
  });

  test("inside a clone URL is refused without being repeated", async () => {
    const failed = on.prepare({ cloneUrl: `https://x:${TOKEN}@github.com/example/app.git` });
    await expect(failed).rejects.toThrow(/holds a credential/);
    await expect(failed).rejects.not.toThrow(TOKEN);
  });
});

describe("a remote that does not answer", () => {
  test("is given up when the caller stops, and nothing is left behind that stops the next try", async () => {
    server.removeAllListeners("request");
    const stop = new AbortController();
    server.on("request", () => stop.abort(new Error("stopped")));
    const cloneUrl = `http://${host()}/example/app.git`;
    await expect(on.prepare({ cloneUrl, signal: stop.signal })).rejects.toThrow("stopped");
    expect((await on.prepare()).head).toBe(on.at("main"));
    rmSync(join(on.folder, "relay"), { recursive: true });
  });
});
