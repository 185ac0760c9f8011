/** What may be answered to the offer to carry out an issue. */
export const OFFER_OPTIONS = ["Start work on the issue", "No, that is all"] as const;

/** What may be answered where everything that policy allows was tried. */
export const TRY_OPTIONS = ["Try again", "I will take over"] as const;

const YES = [
  "yes",
  "yes, please",
  "yes please",
  "yep",
  "ok",
  "okay",
  "sure",
  "please do",
  "do it",
  "go ahead",
  "👍",
];
const NO = ["no", "no, thanks", "no thanks", "nope", "not now", "👎"];

/** An answer to the offer, by the option, its number, yes or no; null = something else was said. */
export function acceptsOffer(text: string): boolean | null {
  return isFirst(text, OFFER_OPTIONS);
}

/** The same where it was asked whether to try again. */
export function triesAgain(text: string): boolean | null {
  return isFirst(text, TRY_OPTIONS);
}

/** Whether it is one of these two as they were shown. */
export function isPick(text: string): boolean {
  return TRY_OPTIONS.some((option) => option.toLowerCase() === text.trim().toLowerCase());
}

function isFirst(text: string, options: readonly [string, string]): boolean | null {
  const said = text.trim().toLowerCase().replace(/[.!]$/, "");
  const means = (option: 0 | 1, ...others: readonly string[]): boolean =>
    [options[option].toLowerCase(), String(option + 1), ...others].includes(said);
  if (means(0, ...YES)) return true;
  return means(1, ...NO) ? false : null;
}
