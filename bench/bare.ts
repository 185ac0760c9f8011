// What intake costs at least: node:http, HMAC over the bytes, one INSERT with the body as it is, committed once per turn of
// the event loop with synchronous=FULL. Nothing is parsed, decided or shown. Argument: folder.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { GITHUB_SECRET } from "../src/demo/webhook-secrets.ts";
import type { FromServer } from "./child.ts";
import { Sqlite } from "../src/engines/embedded/database/sqlite.ts";

const ANSWER = '{"ok":true}';
const [folder = ""] = process.argv.slice(2);
const db = new Sqlite(join(folder, "bare.db"));
db.pragma("page_size = 8192");
db.pragma("journal_mode = WAL");
db.pragma("synchronous = FULL");
db.exec(
  "CREATE TABLE deliveries (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, event TEXT NOT NULL, body BLOB NOT NULL)",
);
const add = db.prepare("INSERT OR IGNORE INTO deliveries (id, event, body) VALUES (?, ?, ?)");

interface Waiting {
  readonly id: string;
  readonly event: string;
  readonly body: Buffer;
  readonly response: ServerResponse;
}
let waiting: Waiting[] = [];

const commit = db.transaction((group: readonly Waiting[]) => {
  for (const { id, event, body } of group) add.run(id, event, body);
});

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => take(request, response, Buffer.concat(chunks)));
});
server.listen(0, "127.0.0.1", () => {
  tell({ kind: "listening", port: (server.address() as AddressInfo).port });
});
process.on("message", () => tell({ kind: "idle" }));
process.on("disconnect", () => process.exit(0));

function take(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const given = Buffer.from(String(request.headers["x-hub-signature-256"]).slice("sha256=".length), "hex");
  const digest = createHmac("sha256", GITHUB_SECRET).update(body).digest();
  if (given.length !== digest.length || !timingSafeEqual(given, digest)) {
    response.writeHead(401).end();
    return;
  }
  const id = String(request.headers["x-github-delivery"]);
  waiting.push({ id, event: String(request.headers["x-github-event"]), body, response });
  if (waiting.length > 1) return;
  setImmediate(() => {
    const group = waiting;
    waiting = [];
    commit.immediate(group);
    for (const { response: each } of group) {
      each
        .writeHead(200, { "content-type": "application/json", "content-length": String(ANSWER.length) })
        .end(ANSWER);
    }
  });
}

function tell(message: FromServer): void {
  process.send?.(message);
}
