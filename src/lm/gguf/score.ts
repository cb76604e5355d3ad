/** Scores text that it is given with llama.cpp; samples nothing. */
import { throwIfStopped } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import type { ScoreRequest, ScoreResult } from "../contract.ts";
import { answerAll } from "../openai/stream.ts";
import type { Lane, Lanes } from "./lanes.ts";
import { inTurns, type Prepared } from "./turns.ts";

export interface ScoringEngine {
  lanes: Lanes;
  contextLength: number;
  vocabSize: number;
}

/** Tokens read between two looks at the signal; fixed, so that a request is always cut alike. */
const STRETCH = 128;

export async function* score(
  engine: ScoringEngine,
  requests: readonly ScoreRequest[],
  { signal, onEvent }: CallOptions,
): AsyncGenerator<ScoreResult> {
  throwIfStopped(signal);
  const { lanes } = engine;
  const prepared: Prepared<ScoreRequest>[] = [];
  let done = 0;
  for (const request of requests) {
    const reason = refusal(engine, request);
    if (reason === undefined) {
      prepared.push({ request, prefix: request.prefix.slice(0, -1) });
      continue;
    }
    done++;
    yield { ok: false, id: request.id, boundary: "backend", reason };
  }
  const turns = inTurns(prepared, () => lanes.idleKeys());
  const work = async (item: Prepared<ScoreRequest> & { key: string }, stop: AbortSignal) => {
    const lane = await lanes.take(item.key);
    try {
      return await scoreOne(lane, item, stop);
    } finally {
      lanes.giveBack(lane);
    }
  };
  for await (const result of answerAll(turns, lanes.count, work, signal)) {
    onEvent?.({ kind: "progress", done: ++done, total: requests.length, unit: "scores" });
    yield result;
  }
}

async function scoreOne(lane: Lane, item: Prepared<ScoreRequest>, signal: AbortSignal): Promise<ScoreResult> {
  const { request, prefix } = item;
  const { id, completion } = request;
  throwIfStopped(signal);
  await lane.read(prefix);
  const ids = [request.prefix.at(-1)!, ...completion.slice(0, -1)];
  const logprobs: number[] = [];
  for (let start = 0; start < ids.length; start += STRETCH) {
    throwIfStopped(signal);
    const end = start + STRETCH;
    logprobs.push(...(await lane.score(ids.slice(start, end), completion.slice(start, end))));
  }
  if (logprobs.some(Number.isNaN))
    return { ok: false, id, boundary: "backend", reason: "the model's scores are not finite" };
  return { ok: true, id, logprobs };
}

function refusal({ contextLength, vocabSize }: ScoringEngine, request: ScoreRequest): string | undefined {
  const { prefix, completion } = request;
  if (prefix.length === 0 || completion.length === 0) return "the prefix or the completion is empty";
  const length = prefix.length + completion.length;
  if (length > contextLength) return `${length} tokens do not fit into a context of ${contextLength}`;
  const stray = [...prefix, ...completion].find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
  if (stray !== undefined) return `the id ${stray} is not in the vocabulary, which ends at ${vocabSize - 1}`;
  return undefined;
}
