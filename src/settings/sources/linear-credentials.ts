import { oneWord, webhookSecret } from "../credentials/forms.ts";
import type { Missing, SourceCredentials } from "./source.ts";

const APPLICATION: readonly Missing[] = [
  {
    name: "LINEAR_OAUTH_CLIENT_ID",
    purpose: "signs the relay in as a Linear application, together with LINEAR_OAUTH_CLIENT_SECRET",
    source: "Linear: Settings → API → OAuth applications, Client ID",
  },
  {
    name: "LINEAR_OAUTH_CLIENT_SECRET",
    purpose: "signs the relay in as a Linear application, together with LINEAR_OAUTH_CLIENT_ID",
    source: "Linear: Settings → API → OAuth applications, Client secret",
  },
];

const EITHER: Missing = {
  name: "LINEAR_OAUTH_CLIENT_ID and LINEAR_OAUTH_CLIENT_SECRET",
  purpose:
    "signs the relay in as a Linear application, which can be a delegate. LINEAR_API_KEY works in its place: with a person's key, a label or a comment starts work",
  source:
    "Linear: Settings → API → OAuth applications, an application with client credentials enabled (README, section 4); LINEAR_API_KEY: Settings → Security & access → Personal API keys",
};

export const LINEAR_CREDENTIALS = {
  forms: {
    LINEAR_WEBHOOK_SECRET: webhookSecret,
    LINEAR_WEBHOOK_SECRET_PREVIOUS: webhookSecret,
    LINEAR_OAUTH_CLIENT_ID: oneWord,
    LINEAR_OAUTH_CLIENT_SECRET: oneWord,
    LINEAR_API_KEY: oneWord,
  },
  open: ["LINEAR_OAUTH_CLIENT_ID"],
  webhookSecret: {
    name: "LINEAR_WEBHOOK_SECRET",
    purpose: "verifies Linear's webhooks; not needed where webhooks are off",
    source: "Linear: the OAuth application (or Settings → API → Webhooks), Signing secret",
  },
  // A half pair is told even where the alternative is complete: it wins once it is whole, so it was meant.
  missing(credentials) {
    const lacking = APPLICATION.filter(({ name }) => credentials[name] === null);
    if (lacking.length < APPLICATION.length) return lacking;
    return credentials["LINEAR_API_KEY"] === null ? [EITHER] : [];
  },
  unused: (credentials) =>
    credentials["LINEAR_API_KEY"] !== null && APPLICATION.every(({ name }) => credentials[name] !== null)
      ? [{ name: "LINEAR_API_KEY", winner: "the application" }]
      : [],
} as const satisfies SourceCredentials;
