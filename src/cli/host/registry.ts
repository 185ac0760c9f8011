import type { EngineRow, Registry } from "../../registry.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Host } from "./host.ts";

/** What the relay of this machine is made of. Loaded when it is first wanted. */
export async function registryOf({ registry }: Pick<Host, "registry">): Promise<Registry> {
  return registry ?? (await import("../../registry.ts")).REGISTRY;
}

/** The engine of that name; null where it comes with a later version. `instead` names one that is there. */
export async function engineOf(
  host: Pick<Host, "registry">,
  name: Settings["engine"],
): Promise<{ readonly row: EngineRow | null; readonly instead: string }> {
  const { engineIn } = await import("../../registry.ts");
  return engineIn(await registryOf(host), name);
}

/** The operator's variables that some project's agent inherits. */
export async function inheritedBy(
  host: Pick<Host, "registry">,
  settings: Settings,
): Promise<readonly string[]> {
  const { inheritedIn } = await import("../../registry.ts");
  return inheritedIn(await registryOf(host), settings);
}
