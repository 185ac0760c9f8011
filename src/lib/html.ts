/** A piece of HTML whose variable parts were escaped when it was made. */
export class Html {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
}

/** What may stand in a template: text is escaped, Html is not, lists are joined, null and false are nothing. */
export type Content = Html | string | number | null | undefined | false | readonly Content[];

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** `text` so that it means itself in an element or in a quoted attribute. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** Tagged template: every value is escaped unless it is Html already. Attributes must be quoted by the template. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  const text = parts.reduce((sum, part, index) => sum + render(values[index - 1]) + part);
  return new Html(text);
}

/** `url` if following it can do no more than open a page; null for `javascript:` and all else that is not HTTP. */
export function webUrl(url: string | null): string | null {
  if (url === null || !URL.canParse(url)) return null;
  return ["http:", "https:"].includes(new URL(url).protocol) ? url : null;
}

function render(value: Content): string {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Html) return value.toString();
  if (typeof value === "object") return value.map(render).join("");
  return escapeHtml(String(value));
}
