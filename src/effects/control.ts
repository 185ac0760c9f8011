import type { Performer } from "../engines/engine.ts";

// The engine itself hands these to the run in progress, beside everything that queues; outside there is nothing to do.

export const steerRun: Performer<"steer_run"> = async () => [];
export const stopRun: Performer<"stop_run"> = async () => [];
