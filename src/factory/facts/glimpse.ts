/** A step of a plan as people see it. */
export interface PlanItem {
  readonly content: string;
  readonly status: "pending" | "inProgress" | "completed" | "canceled";
}

/** Which word of which run an activity shows. */
export interface GlimpseOf {
  readonly run: number;
  readonly at: number;
}

/** What a run is at, for people to read while it goes on: the next glimpse replaces it, and the run's end takes it away. */
export interface Glimpse {
  /** Null = nothing has been said yet. `again`: the word before was the same. */
  readonly word: { readonly at: number; readonly text: string; readonly again: boolean } | null;
  /** The agent's own plan, and since when (Unix ms); null = it has made none. */
  readonly plan: { readonly at: number; readonly items: readonly PlanItem[] } | null;
}
