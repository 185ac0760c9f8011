import { TERMINAL } from "../../factory/facts/state.ts";
import type { FactoryState } from "../../factory/facts/state.ts";
import type { OutboxDocument } from "../documents.ts";

/**
 * States of an issue in which what was kept for it may go once it is old: the key of what was done for an issue that goes on
 * is what keeps it from being done twice.
 */
export const FORGOTTEN_IN: readonly FactoryState[] = [...TERMINAL];

/** States of an effect that may go then. One that failed stays: a person may retry it. */
export const FORGOTTEN_EFFECTS = ["done", "dropped"] satisfies readonly OutboxDocument["state"][];
