// GitHub and CI services act on words in titles, commits, bodies and comments. What an agent or an issue says there is text:
// https://docs.github.com/en/actions/managing-workflow-runs/skipping-workflow-runs,
// https://docs.github.com/en/issues/tracking-your-work-with-issues/linking-a-pull-request-to-an-issue

const SKIPS =
  /\[\s*((?:skip|no)[ -](?:ci|cd|actions|netlify|vercel|render|azp|azurepipelines|travis|appveyor|circleci)|(?:ci|actions|netlify|vercel|render|travis|azurepipelines)[ -]skip)\s*\]/gi;
const NO_CI = /\*\*\*NO_CI\*\*\*/gi;
const SKIP_TRAILER = /^(\s*)skip-checks(\s*:)/gim;
const CLOSES =
  /\b(clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing))(:?\s+)((?:[\w.-]+\/[\w.-]+)?#\d+|GH-\d+|https?:\/\/[^\s)]+\/(?:issues|pull)\/\d+)/gi;
const MENTION = /(^|[^\w`./@-])@([A-Za-z0-9][\w-]{0,38}(?:\/[\w.-]+)?)/g;
/** Code is shown as it is, and nothing in it is acted on. */
const CODE = /(```[\s\S]*?(?:```|$)|`[^`\n]+`)/;

/** `text` without what would skip checks, close issues or call people. Doing it twice changes nothing. */
export function defused(text: string): string {
  const plain = text
    .replaceAll(SKIPS, "($1)")
    .replaceAll(NO_CI, "NO_CI")
    .replaceAll(SKIP_TRAILER, "$1skip checks$2");
  return plain
    .split(CODE)
    .map((part, index) =>
      index % 2 === 1 ? part : part.replaceAll(CLOSES, "$1$2`$3`").replaceAll(MENTION, "$1`@$2`"),
    )
    .join("");
}
