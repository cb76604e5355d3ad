/** vLLM's OpenAI server: token-id prompts, `prompt_logprobs`, `return_token_ids`. Read against vLLM 0.32. */
import type { Json } from "../../../core/hash.ts";
import type { SampleRequest, SampleResult, ScoreRequest, ScoreResult, TokenIds } from "../../contract.ts";
import type { Tokens } from "../../meter.ts";
import type { Pressure } from "../adapt.ts";
import { mostOf, uncounted } from "../cost.ts";
import { chatQuestion } from "./chat.ts";
import type { Dialect, Question, Reading, Setting, Unaskable } from "./contract.ts";
import { largest, samples, total } from "./metrics.ts";
import { Completion, parseReply, readEcho, readPromptLogprobs, sampled, scored, unusable } from "./replies.ts";
import { serverPaths, tooLong } from "./shared.ts";
import { scoredSize, sizeOf } from "./sizes.ts";

/** Every sampling field that vLLM would otherwise take from the model's generation_config.json. */
const NEUTRAL = {
  top_k: -1,
  min_p: 0,
  presence_penalty: 0,
  frequency_penalty: 0,
  repetition_penalty: 1,
  min_tokens: 0,
  ignore_eos: false,
  skip_special_tokens: true,
  spaces_between_special_tokens: false,
  include_stop_str_in_output: false,
} satisfies { [field: string]: Json };

export const vllm: Dialect = {
  name: "vllm",
  paths: (url) => serverPaths(url, { health: "/health", metrics: "/metrics" }),
  readMetrics,
  sample(request, setting) {
    const { prompt } = request;
    if (prompt.kind === "messages") {
      return chatQuestion(request, prompt.messages, setting, {
        endpoint: "vllm/chat",
        extra: { ...NEUTRAL, return_token_ids: true, logprobs: true, top_logprobs: 0 },
        defaultMaxTokensField: "max_completion_tokens",
        ids: true,
      });
    }
    if (prompt.kind === "ids") return completion(request, prompt.ids, setting);
    return completion(request, setting.encode?.(prompt.text) ?? prompt.text, setting);
  },
  score(request, setting) {
    const sent = [...request.prefix, ...request.completion];
    // One token is always drawn, and must fit as well.
    const long = tooLong(sent.length + 1, setting);
    if (long !== undefined) return long;
    const parameters = { max_tokens: 1, temperature: 0, prompt_logprobs: 0, ...SCORING };
    return scoring(request, sent, setting, "vllm/prompt-logprobs", parameters, readPromptScore);
  },
  scoreAgain(request, setting) {
    const sent = [...request.prefix, ...request.completion];
    const parameters = { max_tokens: 1, temperature: 0, echo: true, logprobs: 1, ...SCORING };
    return scoring(request, sent, setting, "vllm/echo", parameters, readEchoScore);
  },
};

const SCORING = { n: 1, stream: false, add_special_tokens: false };

function completion(
  request: SampleRequest,
  prompt: TokenIds | string,
  setting: Setting,
): Question<SampleResult> | Unaskable {
  if (typeof prompt !== "string") {
    const long = tooLong(prompt.length + request.maxTokens, setting);
    if (long !== undefined) return long;
  }
  const parameters = {
    ...setting.options.body,
    ...NEUTRAL,
    max_tokens: request.maxTokens,
    temperature: request.temperature,
    top_p: request.topP,
    n: 1,
    stream: false,
    logprobs: 0,
    return_token_ids: true,
    add_special_tokens: false,
    stop: request.stop.texts ?? [],
    stop_token_ids: request.stop.ids ?? [],
  };
  const { seed } = request;
  const size = sizeOf(prompt, request.maxTokens);
  return {
    id: request.id,
    path: `${setting.paths.api}/completions`,
    endpoint: "vllm/completions",
    prompt,
    parameters,
    seed,
    body: (model) => JSON.stringify({ model, prompt, ...parameters, seed }),
    ...size,
    read: (raw) => {
      const sent = typeof prompt === "string" ? undefined : prompt;
      return readCompletion(raw, request.id, { sent, setting, most: uncounted(raw, mostOf(size)) });
    },
  };
}

function readCompletion(
  raw: string,
  id: string,
  { sent, setting, most }: { sent: TokenIds | undefined; setting: Setting; most: Tokens },
): Reading<SampleResult> {
  const parsed = parseReply(raw, Completion);
  if (!parsed.ok) return unusable(parsed.reason);
  const [choice] = parsed.value.choices;
  if (choice === undefined) return unusable("the reply has no choice");
  if (sent !== undefined && choice.prompt_token_ids && !sameIds(choice.prompt_token_ids, sent)) {
    return unusable("the server answered another prompt than was sent");
  }
  const values = setting.sampleLogprobs ? choice.logprobs?.token_logprobs : undefined;
  return sampled({
    id,
    text: choice.text,
    reasoning: undefined,
    ids: choice.token_ids ?? undefined,
    logprobs: values?.map((value) => value ?? Number.NaN),
    finishReason: choice.finish_reason,
    usage: parsed.value.usage,
    most,
    model: parsed.value.model,
  });
}

type Parsed = ReturnType<typeof Completion.parse>;
type ScoreReader = (reply: Parsed, request: ScoreRequest, sent: TokenIds) => Reading<ScoreResult>;

function scoring(
  request: ScoreRequest,
  sent: TokenIds,
  setting: Setting,
  endpoint: string,
  kind: { [field: string]: Json },
  reader: ScoreReader,
): Question<ScoreResult> {
  // Ids are echoed, so that a shift or a second tokenization cannot go unseen.
  const echoIds = endpoint === "vllm/echo" ? { return_tokens_as_token_ids: true } : { return_token_ids: true };
  const parameters = { ...kind, ...echoIds };
  return {
    id: request.id,
    path: `${setting.paths.api}/completions`,
    endpoint,
    prompt: sent,
    parameters,
    seed: 0,
    sample: request.repeat ?? 0,
    body: (model) => JSON.stringify({ model, prompt: sent, ...parameters, seed: 0 }),
    ...scoredSize(sent),
    read(raw) {
      const parsed = parseReply(raw, Completion);
      return parsed.ok ? reader(parsed.value, request, sent) : unusable(parsed.reason);
    },
  };
}

function readPromptScore(reply: Parsed, request: ScoreRequest, sent: TokenIds): Reading<ScoreResult> {
  const [choice] = reply.choices;
  if (choice?.prompt_logprobs == null) return unusable("the reply has no prompt_logprobs");
  if (choice.prompt_token_ids && !sameIds(choice.prompt_token_ids, sent)) {
    return unusable("the server scored other ids than were sent");
  }
  const read = readPromptLogprobs(choice.prompt_logprobs, sent, request.prefix.length);
  return read.ok ? scored(request.id, read.logprobs, reply.usage?.prompt_tokens ?? sent.length) : unusable(read.reason);
}

/** Also the generic dialect's reader. */
export function readEchoScore(reply: Parsed, request: ScoreRequest, sent: TokenIds): Reading<ScoreResult> {
  const [choice] = reply.choices;
  if (choice?.logprobs == null) return unusable("the reply has no logprobs: the server does not score its prompt");
  const read = readEcho(choice.logprobs, sent, request.prefix.length, 1);
  return read.ok ? scored(request.id, read.logprobs, reply.usage?.prompt_tokens ?? sent.length) : unusable(read.reason);
}

function sameIds(a: TokenIds, b: TokenIds): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}

function readMetrics(text: string): Pressure | undefined {
  const all = [...samples(text)];
  // Deferred requests wait for something else than room.
  const waiting =
    total(all, ["vllm:num_requests_waiting_by_reason"], 'reason="capacity"') ??
    total(all, ["vllm:num_requests_waiting"]);
  if (waiting === undefined) return undefined;
  return {
    waiting,
    cacheUsage: largest(all, ["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"]) ?? 0,
    preemptions: total(all, ["vllm:num_preemptions_total", "vllm:num_preemptions"]) ?? 0,
  };
}
