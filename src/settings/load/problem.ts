import { escapeHidden } from "../../lib/text.ts";

/** One thing that is wrong with the configuration or a credential, told so that a person can put it right. */
export interface Problem {
  /** The file it is in; null for a variable of the environment. */
  readonly file: string | null;
  /**
   * Where in the file: the key (`projects[0].merge.policy`), or `line:column` where the text is no JSON. Without a
   * file the name of the variable. "" is the file as a whole.
   */
  readonly path: string;
  /** What was there and what is expected. Never a credential's value. */
  readonly message: string;
  /** What to do, when there is something to say beyond the message. */
  readonly hint: string | null;
}

/** One line for a person: `file: path: message (hint)`; invisible characters are escaped. */
export function problemText(problem: Problem): string {
  const place = [problem.file, problem.path].filter((part) => part !== null && part !== "").join(": ");
  const hint = problem.hint === null ? "" : ` (${problem.hint})`;
  return escapeHidden(`${place === "" ? "" : `${place}: `}${problem.message}${hint}`);
}

/** `["projects", 0, "merge"]` as `projects[0].merge`; keys that are no plain words are quoted. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const key = String(part);
    if (!/^[$A-Za-z_][\w$-]*$/.test(key)) return `${text}[${JSON.stringify(key)}]`;
    return text === "" ? key : `${text}.${key}`;
  }, "");
}
