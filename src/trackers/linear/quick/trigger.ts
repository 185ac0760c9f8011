/** What starts work where the key is a person's, who cannot be delegated to. */
export interface Trigger {
  /** Name of the label, without regard to case. */
  readonly label: string;
  /** What a comment begins with that is meant for us. */
  readonly word: string;
  /** Whether an issue is given to us by assigning it to the key's account. */
  readonly assignment: boolean;
}

/** What quick mode is set to. */
export interface QuickSettings {
  readonly trigger: Trigger;
  /** Whether news is looked for every few seconds: nobody tells a person's key of any. */
  readonly polls: boolean;
}

/** Whether a label of this name starts work. */
export function isLabel({ label }: Trigger, name: string): boolean {
  return name.trim().toLowerCase() === label.trim().toLowerCase();
}

// Linear rewrites Markdown: it may escape the word's first character or keep the emphasis that somebody gave it.
const ADORNMENT = /^[\s\\*]+/;

/** What a comment asks of us that begins with the word; null = it does not begin with it. */
export function askedWith({ word }: Trigger, body: string): string | null {
  const text = body.replace(ADORNMENT, "");
  if (text.slice(0, word.length).toLowerCase() !== word.toLowerCase()) return null;
  const rest = text.slice(word.length).replace(/^\*+/, "");
  // `@patchrelays` is another word.
  return /^[\p{L}\p{N}_-]/u.test(rest) ? null : rest.replace(/^[\s,.:;!–—-]+/u, "");
}

/** Whether a message asks us to stop, and says nothing else. */
export function isStop(text: string): boolean {
  return /^[\s*_"'`]*stop[\s*_"'`.!]*$/i.test(text);
}
