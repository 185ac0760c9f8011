import type { TrackerWorkspace } from "../../tracker.ts";

/** How we speak in a session: what of a workspace differs between an application and a person. */
export type Voice = Pick<TrackerWorkspace, "tell" | "showPlan" | "link">;
