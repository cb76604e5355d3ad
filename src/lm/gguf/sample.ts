/**
 * Samples with llama.cpp's scores and our own draws, so that an answer depends on its request alone and its log-probabilities are
 * those of the untempered model. Scores nothing that it did not sample.
 */
import { throwIfStopped } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import { type Rng, rng } from "../../core/rng.ts";
import type { SampleAnswer, SampleRequest, SampleResult, TokenIds, Tokenizer } from "../contract.ts";
import { answerAll } from "../openai/stream.ts";
import { draw, logprobAt } from "./draw.ts";
import type { Lane, Lanes } from "./lanes.ts";
import { inTurns, type Prepared } from "./turns.ts";

export interface SamplingEngine {
  lanes: Lanes;
  contextLength: number;
  tokenizer: Tokenizer;
  /** Whether the model says that generation ends after the token. */
  ends(id: number): boolean;
  /** A prompt as ids, or why it has none. */
  promptIds(prompt: SampleRequest["prompt"]): TokenIds | { reason: string };
}

interface Pending extends Prepared<SampleRequest> {
  prompt: TokenIds;
  /** Tokens that may be generated: `maxTokens`, or what the context leaves. */
  room: number;
}

export async function* sample(
  engine: SamplingEngine,
  requests: readonly SampleRequest[],
  { signal, onEvent }: CallOptions,
): AsyncGenerator<SampleResult> {
  throwIfStopped(signal);
  const { lanes } = engine;
  const pending: Pending[] = [];
  let done = 0;
  for (const request of requests) {
    const one = prepare(engine, request);
    if (!("reason" in one)) {
      pending.push(one);
      continue;
    }
    done++;
    yield { ok: false, id: request.id, boundary: "backend", reason: one.reason };
  }
  const turns = inTurns(pending, () => lanes.idleKeys());
  const work = async (item: Pending & { key: string }, stop: AbortSignal) => {
    const lane = await lanes.take(item.key);
    try {
      return await answer(engine, lane, item, stop);
    } finally {
      lanes.giveBack(lane);
    }
  };
  for await (const result of answerAll(turns, lanes.count, work, signal)) {
    onEvent?.({ kind: "progress", done: ++done, total: requests.length, unit: "samples" });
    yield result;
  }
}

function prepare(engine: SamplingEngine, request: SampleRequest): Pending | { reason: string } {
  const prompt = engine.promptIds(request.prompt);
  if ("reason" in prompt) return prompt;
  const { contextLength, tokenizer } = engine;
  if (prompt.length === 0) return { reason: "the prompt is empty" };
  const stray = prompt.find((id) => !(Number.isInteger(id) && id >= 0 && id < tokenizer.vocabSize));
  if (stray !== undefined)
    return { reason: `the prompt holds the id ${stray}; the vocabulary ends at ${tokenizer.vocabSize - 1}` };
  const room = Math.min(request.maxTokens, contextLength - prompt.length);
  if (room < 1)
    return { reason: `the prompt of ${prompt.length} tokens leaves no room in a context of ${contextLength}` };
  return { request, prompt, prefix: prompt.slice(0, -1), room };
}

async function answer(
  engine: SamplingEngine,
  lane: Lane,
  { request, prompt, prefix, room }: Pending,
  signal: AbortSignal,
): Promise<SampleResult> {
  const { id, temperature, topP, seed, stop } = request;
  const random = rng(seed);
  const ids: number[] = [];
  const logprobs: number[] = [];
  const end = (finish: SampleAnswer["finish"], text?: string): SampleAnswer => ({
    ...{ ok: true, id, ids, logprobs, finish },
    text: text ?? engine.tokenizer.decode(ids, { skipSpecial: true }),
    usage: { promptTokens: prompt.length, completionTokens: ids.length },
  });
  throwIfStopped(signal);
  await lane.read(prefix);
  for (let last = prompt.at(-1)!; ; last = ids.at(-1)!) {
    throwIfStopped(signal);
    const { token, logprob } = await drawNext(lane, last, temperature, topP, random);
    if (!Number.isFinite(logprob))
      return { ok: false, id, boundary: "backend", reason: "the model's scores are not finite" };
    ids.push(token);
    logprobs.push(logprob);
    if (engine.ends(token) || stop.ids?.includes(token)) return end("stop");
    const text = stoppedText(engine.tokenizer, ids, stop.texts ?? []);
    if (text !== undefined) return end("stop", text);
    if (ids.length >= room) return end("length");
  }
}

async function drawNext(
  lane: Lane,
  last: number,
  temperature: number,
  topP: number,
  random: Rng,
): Promise<{ token: number; logprob: number }> {
  const uniform = temperature > 0 ? random.next() : 0;
  let head = await lane.next(last);
  let place = draw(head, temperature, topP, uniform);
  if (place === undefined) {
    head = await lane.whole();
    place = draw(head, temperature, topP, uniform);
    if (place === undefined) throw new Error("a whole distribution left the draw open");
  }
  return { token: head.ids[place]!, logprob: logprobAt(head, place) };
}

/** The text before the first stop text in it, if one has come. */
function stoppedText(tokenizer: Tokenizer, ids: TokenIds, stops: readonly string[]): string | undefined {
  if (stops.length === 0) return undefined;
  const text = tokenizer.decode(ids, { skipSpecial: true });
  const places = stops.flatMap((stop) => (text.includes(stop) ? [text.indexOf(stop)] : []));
  return places.length === 0 ? undefined : text.slice(0, Math.min(...places));
}
