import { sealedVault } from "../../lib/secrets/vault.ts";
import type { SealedVault } from "../../lib/secrets/vault.ts";
import type { Credentials } from "../../settings/credentials/credentials.ts";
import type { Context } from "../usage/command.ts";

/**
 * What the relay keeps sealed for its sources, to be read and not changed: two processes that refresh the same token would
 * take it from each other. Null = there is no key, or nothing is kept that can be read.
 */
export async function readOnlyVault(context: Context, credentials: Credentials): Promise<SealedVault | null> {
  const current = credentials.PATCHRELAY_ENCRYPTION_KEY;
  if (current === null) return null;
  try {
    const views = await context.kept();
    if (views === null) return null;
    const previous = credentials.PATCHRELAY_ENCRYPTION_KEY_PREVIOUS;
    const vault = { list: async (owner: string) => await views.sealed(owner) };
    return sealedVault(vault, { current, previous }, await context.host.randomness());
  } catch (error) {
    context.note(
      `The relay's database cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
    return null;
  }
}
