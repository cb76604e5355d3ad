/** SGLang: its own `/generate` for ids, text and scores (shared prefixes stay cached), OpenAI's chat for messages. */
import { z } from "zod";
import type { Json } from "../../../core/hash.ts";
import type { SampleRequest, SampleResult, ScoreRequest, ScoreResult, TokenIds } from "../../contract.ts";
import type { Pressure } from "../adapt.ts";
import { mostOf } from "../cost.ts";
import { chatQuestion } from "./chat.ts";
import type { Dialect, Question, Reading, Setting, Unaskable } from "./contract.ts";
import { largest, samples, total } from "./metrics.ts";
import { type Drawn, parseReply, sampled, scored, unusable } from "./replies.ts";
import { serverPaths, tooLong } from "./shared.ts";
import { scoredSize, sizeOf } from "./sizes.ts";

/** Every sampling field that SGLang would otherwise take from the model's generation_config.json. */
const NEUTRAL = {
  top_k: -1,
  min_p: 0,
  presence_penalty: 0,
  frequency_penalty: 0,
  repetition_penalty: 1,
  min_new_tokens: 0,
  ignore_eos: false,
  skip_special_tokens: true,
  spaces_between_special_tokens: false,
  no_stop_trim: false,
  n: 1,
} satisfies { [field: string]: Json };

const NEUTRAL_CHAT = { top_k: -1, min_p: 0, repetition_penalty: 1, presence_penalty: 0, frequency_penalty: 0 };

/** [log-probability, token id, text or null] */
const TokenLogprob = z.tuple([z.number().nullable(), z.number().int(), z.string().nullable()]);

const Generated = z.object({
  text: z.string(),
  output_ids: z.array(z.number().int()).optional(),
  meta_info: z.object({
    finish_reason: z
      .object({ type: z.string(), matched: z.union([z.number(), z.string(), z.array(z.number())]).nullish() })
      .nullable(),
    prompt_tokens: z.number().int(),
    completion_tokens: z.number().int(),
    input_token_logprobs: z.array(TokenLogprob).nullish(),
    output_token_logprobs: z.array(TokenLogprob).nullish(),
  }),
});
type Generated = z.infer<typeof Generated>;

export const sglang: Dialect = {
  name: "sglang",
  paths: (url) => serverPaths(url, { health: "/health", metrics: "/metrics" }),
  readMetrics,
  sample(request, setting) {
    const { prompt } = request;
    if (prompt.kind === "messages") {
      return chatQuestion(request, prompt.messages, setting, {
        endpoint: "sglang/chat",
        extra: setting.adapter === undefined ? NEUTRAL_CHAT : { ...NEUTRAL_CHAT, lora_path: setting.adapter },
        defaultMaxTokensField: "max_tokens",
        ids: false,
      });
    }
    if (prompt.kind === "ids") return generation(request, prompt.ids, setting);
    return generation(request, setting.encode?.(prompt.text) ?? prompt.text, setting);
  },
  score(request, setting) {
    const length = request.prefix.length + request.completion.length;
    // The list's first entry is always null, so it begins one before the completion; all before stays cached.
    return tooLong(length, setting) ?? scoring(request, setting, request.prefix.length - 1);
  },
  scoreAgain: (request, setting) => scoring(request, setting, 0),
};

function promptField(prompt: TokenIds | string): { [field: string]: Json } {
  return typeof prompt === "string" ? { text: prompt } : { input_ids: prompt };
}

function generation(
  request: SampleRequest,
  prompt: TokenIds | string,
  setting: Setting,
): Question<SampleResult> | Unaskable {
  const { stop, maxTokens, seed, id } = request;
  const long = typeof prompt === "string" ? undefined : tooLong(prompt.length + maxTokens, setting);
  if (long !== undefined) return long;
  const sampling = {
    ...NEUTRAL,
    max_new_tokens: maxTokens,
    temperature: request.temperature,
    top_p: request.topP,
    stop: stop.texts ?? [],
    stop_token_ids: stop.ids ?? [],
  };
  const rest = { ...setting.options.body, return_logprob: true, logprob_start_len: -1, stream: false };
  const size = sizeOf(prompt, maxTokens);
  return {
    id,
    path: `${setting.paths.root}/generate`,
    endpoint: "sglang/generate",
    prompt,
    parameters: { ...rest, sampling_params: sampling },
    seed,
    body: () =>
      JSON.stringify({
        ...promptField(prompt),
        ...rest,
        sampling_params: { ...sampling, sampling_seed: seed },
        ...adapterField(setting),
      }),
    ...size,
    read(raw) {
      const parsed = parseReply(raw, Generated);
      if (!parsed.ok) return unusable(parsed.reason);
      return sampled({ ...generated(parsed.value, setting.sampleLogprobs), id, most: mostOf(size) });
    },
  };
}

function adapterField(setting: Setting): { [field: string]: Json } {
  return setting.adapter === undefined ? {} : { lora_path: setting.adapter };
}

function generated(reply: Generated, withLogprobs: boolean): Omit<Drawn, "id" | "most"> {
  const { meta_info: meta } = reply;
  const tuples = meta.output_token_logprobs ?? undefined;
  return {
    text: reply.text,
    reasoning: undefined,
    // The tuples name every token sampled, the one that ended the text included.
    ids: tuples?.map(([, token]) => token) ?? reply.output_ids,
    logprobs: withLogprobs ? tuples?.map(([logprob]) => logprob ?? Number.NaN) : undefined,
    finishReason: meta.finish_reason?.type ?? null,
    usage: { prompt_tokens: meta.prompt_tokens, completion_tokens: meta.completion_tokens },
    model: undefined,
  };
}

function scoring(request: ScoreRequest, setting: Setting, start: number): Question<ScoreResult> {
  const sent = [...request.prefix, ...request.completion];
  const parameters = {
    sampling_params: { max_new_tokens: 0, temperature: 0 },
    return_logprob: true,
    logprob_start_len: start,
    top_logprobs_num: 0,
    return_text_in_logprobs: false,
    stream: false,
  };
  return {
    id: request.id,
    path: `${setting.paths.root}/generate`,
    endpoint: "sglang/score",
    prompt: sent,
    parameters,
    seed: 0,
    sample: request.repeat ?? 0,
    body: () => JSON.stringify({ input_ids: sent, ...parameters, ...adapterField(setting) }),
    ...scoredSize(sent),
    read(raw) {
      const parsed = parseReply(raw, Generated);
      return parsed.ok ? readScore(parsed.value, request, sent, start) : unusable(parsed.reason);
    },
  };
}

function readScore(reply: Generated, request: ScoreRequest, sent: TokenIds, start: number): Reading<ScoreResult> {
  const tuples = reply.meta_info.input_token_logprobs;
  if (tuples == null) return unusable("the reply has no input_token_logprobs");
  if (tuples.length !== sent.length - start) {
    return unusable(`${tuples.length} input log-probabilities for ${sent.length - start} positions`);
  }
  if (tuples[0]?.[0] !== null) return unusable("the first position has a log-probability: arrays are shifted");
  const wrong = tuples.findIndex(([, token], i) => token !== sent[start + i]);
  if (wrong >= 0)
    return unusable(`position ${start + wrong} is token ${tuples[wrong]?.[1]}, not the one that was sent`);
  const logprobs: number[] = [];
  for (const [logprob] of tuples.slice(request.prefix.length - start)) {
    if (logprob === null) return unusable("a position of the completion has no log-probability");
    logprobs.push(logprob);
  }
  return scored(request.id, logprobs, reply.meta_info.prompt_tokens);
}

function readMetrics(text: string): Pressure | undefined {
  const all = [...samples(text)];
  const waiting = total(all, ["sglang:num_queue_reqs"]);
  if (waiting === undefined) return undefined;
  return {
    waiting,
    cacheUsage: largest(all, ["sglang:token_usage"]) ?? 0,
    preemptions: total(all, ["sglang:num_retracted_reqs", "sglang:num_retractions_total"]) ?? 0,
  };
}
