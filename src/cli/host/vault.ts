import { messageOf } from "../../lib/assert.ts";
import { ExternalError } from "../../lib/external.ts";
import { sealedVault } from "../../lib/secrets/vault.ts";
import type { SealedVault } from "../../lib/secrets/vault.ts";
import type { Credentials } from "../../settings/credentials/credentials.ts";
import type { Context } from "../usage/command.ts";

/**
 * What the relay keeps sealed for its sources, to be read and not changed: two processes that refresh the same token would
 * take it from each other. Null = no relay has run here. A database that cannot be read is no empty one: then nothing is
 * signed in with either, since another token may end those that are in it.
 */
export async function readOnlyVault(context: Context, credentials: Credentials): Promise<SealedVault | null> {
  const current = credentials.PATCHRELAY_ENCRYPTION_KEY;
  const previous = credentials.PATCHRELAY_ENCRYPTION_KEY_PREVIOUS;
  const keys = current === null ? null : { current, previous };
  try {
    const views = await context.kept();
    if (views === null) return null;
    const vault = { list: async (owner: string) => await views.sealed(owner) };
    return sealedVault(vault, keys, await context.host.randomness());
  } catch (error) {
    const why = `the relay's database, which may hold the sign-in, cannot be read: ${messageOf(error)}`;
    const list = async (): Promise<never> => {
      throw new ExternalError("unavailable", why, { cause: error });
    };
    return sealedVault({ list }, keys, await context.host.randomness());
  }
}
