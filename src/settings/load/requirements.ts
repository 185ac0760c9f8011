import { SOURCE_CREDENTIALS } from "../sources/credentials.ts";
import type { Given, Missing, SourceCredentials } from "../sources/source.ts";
import type { Settings } from "../settings.ts";

const API_TOKEN: Missing = {
  name: "PATCHRELAY_API_TOKEN",
  purpose: "protects API and dashboard: http.host is not loopback, or http.requireToken is set",
  source:
    "make one with `openssl rand -hex 32`, or set http.host to 127.0.0.1 and http.requireToken to false",
};

/** What `serve` lacks, each once, in the order to set them up. */
export function missingToServe(
  { http, webhooks }: Pick<Settings, "http" | "webhooks">,
  credentials: Given,
  sources: readonly SourceCredentials[] = Object.values(SOURCE_CREDENTIALS),
): readonly Missing[] {
  const isLacking = ({ name }: Missing): boolean => credentials[name] === null;
  const own = http.loopback && !http.requireToken ? [] : [API_TOKEN];
  return [
    ...(webhooks === "off" ? [] : sources.map(({ webhookSecret }) => webhookSecret).filter(isLacking)),
    ...sources.flatMap(({ missing }) => missing(credentials)),
    ...own.filter(isLacking),
  ];
}
