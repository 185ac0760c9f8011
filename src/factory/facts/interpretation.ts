import type { IssueId } from "./ids.ts";
import type { Observation } from "./observation.ts";

/** What a delivery says, in our words. `observations` may be empty only with a reason in `ignored`. */
export interface Interpretation {
  /** What the source calls it, for people; null = nothing. */
  readonly action: string | null;
  readonly observations: readonly { readonly issue: IssueId; readonly observation: Observation }[];
  /** Why nothing is done with it; null when something is. */
  readonly ignored: string | null;
}
