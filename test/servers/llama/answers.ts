/** Answers completions and chats with a language model, in vLLM's words. Knows nothing of HTTP. */
import { randomInt } from "node:crypto";
import type { Model, SampleAnswer, SampleRequest, Text, TokenIds, Tokenizer } from "../../../src/lm/contract.ts";
import { type ChatRequest, type CompletionRequest, Refused } from "./requests.ts";

/** A model with all that a server needs of it. */
export type Served = Model & Required<Pick<Model, "tokenizer" | "sampler" | "scorer">>;

/** vLLM's defaults where a request and the model's own settings are silent. */
const DEFAULT_MAX_TOKENS = 16;

export async function complete(model: Served, request: CompletionRequest, signal: AbortSignal): Promise<object> {
  const prompts = promptsOf(request.prompt, model.tokenizer);
  const wanted = request.max_tokens ?? DEFAULT_MAX_TOKENS;
  if (wanted === 0 && !request.echo) throw new Refused(400, "max_tokens must be at least 1, got 0.");
  for (const { length } of prompts) fits(model, length, wanted);
  const scores = request.echo || request.prompt_logprobs != null ? await score(model, prompts, signal) : undefined;
  const texts = prompts.map((ids): Text => ({ kind: "ids", ids }));
  // As vLLM: at least one token is drawn, and withheld where none was asked for.
  const drawn = await draw(model, texts, Math.max(1, wanted), request, signal);
  const n = request.n ?? 1;
  const choices = drawn.map((answer, index) => {
    const place = Math.floor(index / n);
    return completionChoice(model.tokenizer, request, wanted, {
      ...{ index, answer, prompt: prompts[place]!, scores: scores?.[place] },
    });
  });
  const promptTokens = prompts.reduce((sum, { length }) => sum + length, 0);
  return reply("cmpl", "text_completion", request.model, choices, promptTokens, drawn);
}

export async function chat(model: Served, request: ChatRequest, signal: AbortSignal): Promise<object> {
  const prompt: Text = { kind: "messages", messages: request.messages };
  const wanted = request.max_completion_tokens ?? request.max_tokens ?? model.contextLength;
  const drawn = await draw(model, [prompt], wanted, request, signal);
  const choices = drawn.map((answer, index) => ({
    index,
    message: { role: "assistant", content: textOf(answer, request, model.tokenizer), reasoning: null },
    finish_reason: answer.finish,
    stop_reason: stopReason(answer, request, model.tokenizer),
    logprobs: request.logprobs ? { content: chatLogprobs(answer, model.tokenizer) } : null,
    ...(request.return_token_ids ? { token_ids: answer.ids } : {}),
  }));
  const promptTokens = drawn[0]?.usage.promptTokens ?? 0;
  return reply("chatcmpl", "chat.completion", request.model, choices, promptTokens, drawn);
}

function promptsOf(prompt: CompletionRequest["prompt"], tokenizer: Tokenizer): TokenIds[] {
  const several = typeof prompt === "string" || typeof prompt[0] === "number" ? [prompt] : prompt;
  return several.map((one) => {
    const ids = typeof one === "string" ? tokenizer.encode(one) : [one].flat(2);
    const whole = ids.filter((id) => typeof id === "number");
    if (whole.length === 0) throw new Refused(400, "The prompt is empty.");
    const stray = whole.find((id) => id >= tokenizer.vocabSize);
    if (stray !== undefined) throw new Refused(400, `Token id ${stray} is out of vocabulary`);
    return whole;
  });
}

function fits({ contextLength }: Served, prompt: number, wanted: number): void {
  if (prompt + wanted <= contextLength) return;
  const message = `This model's maximum context length is ${contextLength} tokens. However, you requested ${prompt + wanted} tokens`;
  throw new Refused(400, `${message} (${prompt} in the prompt, ${wanted} in the completion).`);
}

/** For each prompt, a log-probability for each token but the first. */
async function score(
  model: Served,
  prompts: readonly TokenIds[],
  signal: AbortSignal,
): Promise<(readonly (number | null)[])[]> {
  const found: (readonly (number | null)[])[] = prompts.map(() => [null]);
  const long = prompts.flatMap((ids, i) => (ids.length > 1 ? [{ id: `${i}`, ids }] : []));
  const requests = long.map(({ id, ids }) => ({ id, prefix: ids.slice(0, 1), completion: ids.slice(1) }));
  for await (const result of model.scorer.score(requests, { signal })) {
    if (!result.ok) throw new Refused(500, result.reason);
    found[Number(result.id)] = [null, ...result.logprobs];
  }
  return found;
}

/** n answers to each prompt, prompt by prompt; the j-th of a prompt has the seed plus j. */
async function draw(
  model: Served,
  prompts: readonly Text[],
  maxTokens: number,
  request: CompletionRequest | ChatRequest,
  signal: AbortSignal,
): Promise<SampleAnswer[]> {
  const n = request.n ?? 1;
  const temperature = request.temperature ?? 1;
  if (temperature === 0 && n > 1) throw new Refused(400, "n must be 1 when using greedy sampling, got more.");
  const seed = request.seed ?? randomInt(2 ** 32);
  const stop = { ids: request.stop_token_ids ?? [], texts: [request.stop ?? []].flat() };
  const requests = prompts.flatMap((prompt, place) =>
    Array.from({ length: n }, (_, j): SampleRequest => {
      const topP = request.top_p ?? 1;
      return { id: `${place * n + j}`, prompt, maxTokens, temperature, topP, stop, seed: (seed + j) >>> 0 };
    }),
  );
  const answers: SampleAnswer[] = [];
  for await (const result of model.sampler.sample(requests, { signal })) {
    if (!result.ok) throw new Refused(400, result.reason);
    answers[Number(result.id)] = result;
  }
  return answers;
}

interface Drawn {
  index: number;
  answer: SampleAnswer;
  prompt: TokenIds;
  scores: readonly (number | null)[] | undefined;
}

function completionChoice(
  tokenizer: Tokenizer,
  request: CompletionRequest,
  wanted: number,
  { index, answer, prompt, scores }: Drawn,
): object {
  const name = (id: number) => (request.return_tokens_as_token_ids ? `token_id:${id}` : tokenizer.decode([id]));
  // vLLM blanks the echoed text where ids are returned.
  const echoed = request.echo && !request.return_token_ids ? tokenizer.decode(prompt) : "";
  const shown = wanted === 0 ? [] : (answer.ids ?? []);
  const values = [...(request.echo ? (scores ?? []) : []), ...(wanted === 0 ? [] : (answer.logprobs ?? []))];
  const tokens = [...(request.echo ? prompt : []), ...shown].map(name);
  const logprobs = { tokens, token_logprobs: values, text_offset: offsets(tokens), top_logprobs: null };
  return {
    index,
    text: echoed + (wanted === 0 ? "" : textOf(answer, request, tokenizer)),
    logprobs: request.logprobs == null ? null : logprobs,
    finish_reason: wanted === 0 ? "length" : answer.finish,
    stop_reason: stopReason(answer, request, tokenizer),
    prompt_logprobs: request.prompt_logprobs == null ? null : promptLogprobs(prompt, scores ?? [], tokenizer),
    ...(request.return_token_ids ? { token_ids: shown, prompt_token_ids: prompt } : {}),
  };
}

/** One entry a token, under its id; null for the first, before which there is nothing. */
function promptLogprobs(
  ids: TokenIds,
  scores: readonly (number | null)[],
  tokenizer: Tokenizer,
): (Record<string, object> | null)[] {
  return ids.map((id, t) => {
    const logprob = scores[t];
    return logprob == null ? null : { [id]: { logprob, rank: null, decoded_token: tokenizer.decode([id]) } };
  });
}

function chatLogprobs({ ids = [], logprobs = [] }: SampleAnswer, tokenizer: Tokenizer): object[] {
  return ids.map((id, i) => ({ token: tokenizer.decode([id]), logprob: logprobs[i], bytes: null, top_logprobs: [] }));
}

/** A stop token is kept in the ids and cut from the text, as a stop text is. */
function textOf(answer: SampleAnswer, request: CompletionRequest | ChatRequest, tokenizer: Tokenizer): string {
  const ids = answer.ids ?? [];
  const last = ids.at(-1);
  if (answer.finish !== "stop" || last === undefined || !request.stop_token_ids?.includes(last)) return answer.text;
  return tokenizer.decode(ids.slice(0, -1), { skipSpecial: true });
}

/** The stop token or text that was met; null for the model's own end. */
function stopReason(
  { finish, ids = [] }: SampleAnswer,
  request: CompletionRequest | ChatRequest,
  tokenizer: Tokenizer,
): string | number | null {
  if (finish !== "stop") return null;
  const last = ids.at(-1);
  if (last !== undefined && request.stop_token_ids?.includes(last)) return last;
  const text = tokenizer.decode(ids, { skipSpecial: true });
  return [request.stop ?? []].flat().find((stop) => text.includes(stop)) ?? null;
}

function offsets(tokens: readonly string[]): number[] {
  let at = 0;
  return tokens.map((token) => {
    const start = at;
    at += token.length;
    return start;
  });
}

function reply(
  prefix: string,
  object: string,
  model: string,
  choices: readonly object[],
  promptTokens: number,
  drawn: readonly SampleAnswer[],
): object {
  const completionTokens = drawn.reduce((sum, { usage }) => sum + usage.completionTokens, 0);
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  const created = Math.floor(Date.now() / 1000);
  return { id: `${prefix}-${randomInt(2 ** 32).toString(16)}`, object, created, model, choices, usage };
}
