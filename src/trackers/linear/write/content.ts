import type { Activity } from "../../../factory/effects/effect.ts";
import type { PlanItem } from "../../../factory/facts/run.ts";
import { unreachable } from "../../../lib/assert.ts";
import { clip } from "../../../lib/text.ts";

// Linear publishes no limits for these; people do not read more, and an answer that is refused is lost.
export const LONGEST_BODY = 20_000;
const LONGEST_LINE = 500;
const MOST_OPTIONS = 20;
const MOST_PLAN_ITEMS = 50;

/** The input of `agentActivityCreate` but for its id and session. */
export function activityInput(activity: Activity): Readonly<Record<string, unknown>> {
  switch (activity.type) {
    case "thought":
      return {
        content: { type: activity.type, body: clip(activity.body, LONGEST_BODY) },
        ...(activity.ephemeral === true ? { ephemeral: true } : {}),
      };
    case "action": {
      const { type, action, parameter, result, ephemeral } = activity;
      const content = { type, action: clip(action, LONGEST_LINE), parameter: clip(parameter, LONGEST_LINE) };
      return {
        content: result === undefined ? content : { ...content, result: clip(result, LONGEST_BODY) },
        ...(ephemeral === true ? { ephemeral: true } : {}),
      };
    }
    case "elicitation": {
      const content = { type: activity.type, body: clip(activity.body, LONGEST_BODY) };
      const options = optionsOf(activity);
      if (options.length === 0) return { content };
      return {
        content,
        signal: "select",
        signalMetadata: {
          options: options.map((option) => ({ value: option, label: clip(option, LONGEST_LINE) })),
        },
      };
    }
    case "response":
    case "error":
      return { content: { type: activity.type, body: clip(activity.body, LONGEST_BODY) } };
    default:
      return unreachable(activity);
  }
}

/** The options of a question, each once. Linear refuses the whole question for one without a name. */
export function optionsOf({ options }: { readonly options?: readonly string[] }): readonly string[] {
  const named = (options ?? []).filter((option) => option.trim() !== "");
  return [...new Set(named)].slice(0, MOST_OPTIONS);
}

/** A plan as Linear takes it, always whole. What is too long for a glance is cut at the end. */
export function planInput(items: readonly PlanItem[]): readonly PlanItem[] {
  return items
    .slice(0, MOST_PLAN_ITEMS)
    .map(({ content, status }) => ({ content: clip(content, LONGEST_LINE), status }));
}
