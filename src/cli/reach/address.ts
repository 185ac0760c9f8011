import { join } from "node:path";
import { isPort, parseConfig } from "../../settings/load/locate.ts";
import type { Location } from "../../settings/load/locate.ts";
import type { Host } from "../host/host.ts";

type Located = Extract<Location, { ok: true }>;

const DEFAULT_HOST = "127.0.0.1";
const DEFAULT_PORT = 8787;

/** Where `serve` writes its URL while it runs: with port 0 nobody else can know it. */
export function urlFile(dataDir: string): string {
  return join(dataDir, "relay.url");
}

/**
 * The URL of the relay that belongs to this configuration; null = its port is chosen at its start and none was
 * written down. Takes the config as leniently as inspection does: a relay may run although the file is wrong by now.
 */
export function relayUrl(host: Pick<Host, "readFile">, located: Located): string | null {
  const http = httpOf(host, located.file);
  if (http.port !== 0) return `http://${reachable(http.host)}:${http.port}`;
  const written = host.readFile(urlFile(located.dataDir))?.trim() ?? "";
  return URL.canParse(written) && new URL(written).protocol === "http:" ? new URL(written).origin : null;
}

function httpOf({ readFile }: Pick<Host, "readFile">, file: string): { host: string; port: number } {
  const parsed = parseConfig(file, readFile(file) ?? "{}");
  const http = parsed.ok ? parsed.value["http"] : null;
  const { host, port } = (typeof http === "object" && http !== null ? http : {}) as Record<string, unknown>;
  return {
    host: typeof host === "string" && host !== "" ? host : DEFAULT_HOST,
    port: isPort(port) ? port : DEFAULT_PORT,
  };
}

// A relay that listens on every address is asked on loopback.
function reachable(host: string): string {
  if (host === "0.0.0.0") return DEFAULT_HOST;
  if (host === "::" || host === "[::]") return "[::1]";
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
