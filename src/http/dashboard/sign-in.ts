import { html } from "../../lib/html.ts";
import type { Html } from "../../lib/html.ts";

/** Asks for the token. It loads nothing: whoever sees it is not signed in, and everything else is guarded. */
export function signInPage(message: string | null): Html {
  return html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>Sign in · patchrelay</title>
    </head>
    <body>
      <h1>patchrelay</h1>
      ${message === null ? null : html`<p role="alert"><strong>${message}</strong></p>`}
      <form method="post" action="/session">
        <p><label for="token">The relay's token (PATCHRELAY_API_TOKEN)</label></p>
        <p>
          <input id="token" name="token" type="password" autocomplete="current-password" required autofocus />
          <button>Sign in</button>
        </p>
      </form>
    </body>
  </html>`;
}
