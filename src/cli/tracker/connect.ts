import { escapeHidden } from "../../lib/text.ts";
import { webUrl } from "../../lib/html.ts";
import { refusal } from "../reach/relay.ts";
import { Failure } from "../usage/failure.ts";
import type { Command } from "../usage/command.ts";

const ASK_MS = 35_000;

/** What the relay lacks is no wrong use of the command. */
function notConnected(failure: Failure): Failure {
  const { code, message, hint, status } = failure;
  return failure.exitCode === 2 ? new Failure(1, code, message, { hint, status }) : failure;
}

/** Installs the running relay in a workspace of the source with this name. */
export function connectTo(source: string, label: string): Command {
  return {
    arguments: [],
    options: {},
    about: [
      `Gives the address at which an admin of a ${label} workspace approves the relay. The relay must be running; it takes the answer, encrypts the tokens and works in that workspace from then on. Run it again for each further workspace, and when an installation has ended.`,
      "The callback address has to be one of the application's callback URLs, exactly as it is shown.",
    ],
    examples: [{ says: "install the relay in a workspace", line: `${source} connect` }],
    async run(context) {
      const relay = context.relay();
      const answer = await relay.ask(`/oauth/${source}/start`, ASK_MS);
      const { authorizeUrl, callbackUrl } = answer.document ?? {};
      if (answer.status !== 200 || typeof authorizeUrl !== "string" || typeof callbackUrl !== "string")
        throw notConnected(refusal(answer, relay.url ?? "the relay"));
      context.answer({ authorizeUrl, callbackUrl }, () => [
        "As an admin of the workspace, open this address within 15 minutes and approve:",
        "",
        `  ${escapeHidden(authorizeUrl)}`,
        "",
        `The browser then returns to ${escapeHidden(callbackUrl)}`,
        "and `patchrelay status` names the workspace.",
      ]);
      const safe = webUrl(authorizeUrl);
      if (context.terminal && safe !== null) {
        const opener = context.host.platform === "darwin" ? "open" : "xdg-open";
        context.host.launch(opener, [safe], () => context.note(`(${opener} could not be started)`));
      }
      return 0;
    },
  };
}
