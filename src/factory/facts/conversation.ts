/** How a session was left. */
export interface Conversation {
  /** `open`: work was reported last, or a person has spoken since. `asked`: we wait for a person. */
  readonly left: "open" | "asked" | "over";
  /** The fact that it was left with; null = it is open. */
  readonly fact: string | null;
  /** Whether that says that an operator has paused the issue. */
  readonly paused: boolean;
  /** How often it was opened again. Within a stretch nothing is told twice, however what is known changes to and fro. */
  readonly stretch: number;
  /** When the newest word of a person's that this takes account of was spoken (Unix ms). */
  readonly word: number;
  /** The plan that was shown last, and how many were shown before it; null = none was. */
  readonly plan: { readonly picture: string; readonly earlier: number } | null;
}
