/**
 * Who did something. The source says what it knows; trust is judged by policy, from ids and permissions,
 * never from a name in a text, which anybody can choose.
 */
export interface Actor {
  /** `us`: our app, user or token. `bot`: another app or automation. `outsider`: no account of the workspace. */
  readonly kind: "person" | "bot" | "us" | "operator" | "outsider" | "unknown";
  /** The source's own id, never a name; null when the source names nobody. */
  readonly id: string | null;
  /** For showing to people only. */
  readonly name: string | null;
  /** GitHub: author_association in lower case; null elsewhere. */
  readonly association: string | null;
  /** GitHub: permission on the repository as looked up; null = not known. */
  readonly permission: "admin" | "write" | "read" | "none" | null;
}

export const NOBODY: Actor = { kind: "unknown", id: null, name: null, association: null, permission: null };

/** An operator at the command line or the dashboard. */
export function operator(name: string): Actor {
  return { kind: "operator", id: name, name, association: null, permission: null };
}
