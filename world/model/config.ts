const MODEL = "scripted-1";

/**
 * What makes Codex talk to the scripted model at `url`: `config` goes into its config.toml (setting
 * `agent.codex.config`), `modelsJson` is the model catalog. No credential is involved.
 */
export function scriptedModelConfig(url: string): {
  readonly config: Readonly<Record<string, unknown>>;
  readonly modelsJson: Readonly<Record<string, unknown>>;
} {
  return {
    config: {
      model: MODEL,
      model_provider: "scripted",
      model_providers: {
        scripted: {
          // Another name than "OpenAI": that one switches on behaviour only OpenAI's servers understand.
          name: "Scripted",
          base_url: url,
          wire_api: "responses",
          request_max_retries: 1,
          stream_max_retries: 2,
          stream_idle_timeout_ms: 60_000,
        },
      },
      tools: { update_plan: { enabled: true } },
    },
    modelsJson: {
      models: [
        {
          slug: MODEL,
          display_name: "Scripted 1",
          base_instructions: "You are a scripted agent.",
          supported_reasoning_levels: [{ effort: "medium", description: "medium" }],
          shell_type: "unified_exec",
          visibility: "list",
          supported_in_api: true,
          priority: 1,
          support_verbosity: false,
          truncation_policy: { mode: "tokens", limit: 10_000 },
          experimental_supported_tools: [],
          apply_patch_tool_type: "freeform",
          context_window: 272_000,
          input_modalities: ["text"],
          supports_search_tool: false,
        },
      ],
    },
  };
}
