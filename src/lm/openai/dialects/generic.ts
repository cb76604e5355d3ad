/**
 * Any OpenAI-compatible server: nothing is asked for that is not OpenAI's. Scores by `echo` with `logprobs`, as
 * lm-evaluation-harness does, where the server can.
 */
import type { SampleResult, ScoreRequest, ScoreResult } from "../../contract.ts";
import { mostOf, uncounted } from "../cost.ts";
import { chatQuestion } from "./chat.ts";
import type { Dialect, Question, Setting, Unaskable } from "./contract.ts";
import { Completion, parseReply, sampled, unusable } from "./replies.ts";
import { refusedByOmission, tooLong, withoutOmitted } from "./shared.ts";
import { scoredSize, sizeOf } from "./sizes.ts";
import { readEchoScore } from "./vllm.ts";

export const generic: Dialect = {
  name: "generic",
  paths(url) {
    const base = url.pathname.replace(/\/+$/, "");
    return { api: base, root: base, health: `${base}/models`, metrics: undefined };
  },
  readMetrics: () => undefined,
  sample(request, setting) {
    const { prompt } = request;
    if (prompt.kind === "messages") {
      if (request.stop.ids?.length) return { impossible: "a generic chat server takes no stop token ids" };
      return chatQuestion(request, prompt.messages, setting, {
        endpoint: "openai/chat",
        extra: {},
        defaultMaxTokensField: "max_tokens",
        ids: false,
      });
    }
    return completion(request, prompt.kind === "ids" ? prompt.ids : prompt.text, setting);
  },
  score(request, setting) {
    const long = tooLong(request.prefix.length + request.completion.length + 1, setting);
    return long ?? echo(request, setting, 1);
  },
  // The alternatives returned beside a token must not change its own log-probability.
  scoreAgain: (request, setting) => echo(request, setting, 2),
};

function completion(
  request: Parameters<Dialect["sample"]>[0],
  prompt: string | readonly number[],
  setting: Setting,
): Question<SampleResult> | Unaskable {
  const { stop, maxTokens, seed, id } = request;
  if (stop.ids?.length) return { impossible: "a generic completion server takes no stop token ids" };
  const long = typeof prompt === "string" ? undefined : tooLong(prompt.length + maxTokens, setting);
  const refused = long ?? refusedByOmission(request, setting);
  if (refused !== undefined) return refused;
  const fields = {
    ...setting.options.body,
    max_tokens: maxTokens,
    temperature: request.temperature,
    top_p: request.topP,
    n: 1,
    stream: false,
    echo: false,
    ...(stop.texts?.length ? { stop: stop.texts } : {}),
  };
  const parameters = withoutOmitted(fields, setting);
  const seeded = withoutOmitted({ seed }, setting);
  const size = sizeOf(prompt, maxTokens);
  return {
    id,
    path: `${setting.paths.api}/completions`,
    endpoint: "openai/completions",
    prompt,
    parameters,
    seed,
    body: (model) => JSON.stringify({ model, prompt, ...parameters, ...seeded }),
    ...size,
    read(raw) {
      const parsed = parseReply(raw, Completion);
      if (!parsed.ok) return unusable(parsed.reason);
      const [choice] = parsed.value.choices;
      if (choice === undefined) return unusable("the reply has no choice");
      const { usage, model } = parsed.value;
      const drawn = { id, text: choice.text, reasoning: undefined, ids: choice.token_ids ?? undefined, usage, model };
      const most = uncounted(raw, mostOf(size));
      return sampled({ ...drawn, logprobs: undefined, finishReason: choice.finish_reason, most });
    },
  };
}

function echo(request: ScoreRequest, setting: Setting, logprobs: number): Question<ScoreResult> {
  const sent = [...request.prefix, ...request.completion];
  const parameters = withoutOmitted({ max_tokens: 1, temperature: 0, logprobs, echo: true }, setting);
  const seeded = withoutOmitted({ seed: 0 }, setting);
  return {
    id: request.id,
    path: `${setting.paths.api}/completions`,
    endpoint: "openai/echo",
    prompt: sent,
    parameters,
    seed: 0,
    sample: request.repeat ?? 0,
    body: (model) => JSON.stringify({ model, prompt: [sent], ...parameters, ...seeded }),
    ...scoredSize(sent),
    read(raw) {
      const parsed = parseReply(raw, Completion);
      return parsed.ok ? readEchoScore(parsed.value, request, sent) : unusable(parsed.reason);
    },
  };
}
