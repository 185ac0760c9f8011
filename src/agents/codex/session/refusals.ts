/**
 * How each request of the app-server is declined: nobody sits in front of it, and approvals are off, so
 * whatever it asks for is not given. A request that is not listed is answered with a JSON-RPC error, which Codex
 * treats as a rejection; unanswered it would wait forever.
 */
const REFUSALS: Readonly<Record<string, unknown>> = {
  "item/commandExecution/requestApproval": { decision: "decline" },
  "item/fileChange/requestApproval": { decision: "decline" },
  "item/permissions/requestApproval": { permissions: {}, scope: "turn" },
  "item/tool/requestUserInput": { answers: {} },
  "item/tool/call": {
    contentItems: [{ type: "inputText", text: "there is no such tool" }],
    success: false,
  },
  "mcpServer/elicitation/request": { action: "decline", content: null, _meta: null },
  applyPatchApproval: { decision: "denied" },
  execCommandApproval: { decision: "denied" },
};

/** The answer to a server request, without its id. */
export function refusalOf(
  method: string,
): { readonly result: unknown } | { readonly error: { readonly code: number; readonly message: string } } {
  if (Object.hasOwn(REFUSALS, method)) return { result: REFUSALS[method] };
  return { error: { code: -32_601, message: "patchrelay does not answer this request" } };
}
