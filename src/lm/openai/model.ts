/** A checkpoint behind a server, opened: streams of samples and scores. */
import { type Failure, PromptCotError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import type { SampleRequest, Sampler, Scorer } from "../contract.ts";
import { ask, type Seat } from "./ask.ts";
import { type BatchSettings, sampleInBatches } from "./batch.ts";
import { batchService } from "./batch-service.ts";
import type { Dialect, Question, Setting, Unaskable } from "./dialects/contract.ts";
import { answerAll } from "./stream.ts";

export interface Opened {
  seat: Seat;
  dialect: Dialect;
  setting: Setting;
  /** Present where sampling goes through the batch endpoint. */
  batches: BatchSettings | undefined;
  /** Undefined while the model is usable; else why it is not. */
  stale: () => string | undefined;
}

/** Between two progress events, in milliseconds. */
const PROGRESS_MS = 500;

export function sampler(opened: Opened): Sampler {
  const { dialect, setting, seat, batches } = opened;
  if (batches !== undefined) {
    const service = batchService(seat.server);
    const question = (one: SampleRequest) => dialect.sample(one, setting);
    return { sample: (requests, options) => sampleInBatches(seat, service, batches, requests, question, options) };
  }
  return { sample: (requests, options) => answers(opened, requests, (one) => dialect.sample(one, setting), options) };
}

export function scorer(opened: Opened): Scorer {
  const { dialect, setting } = opened;
  return { score: (requests, options) => answers(opened, requests, (one) => dialect.score(one, setting), options) };
}

async function* answers<Request extends { id: string }, Result>(
  opened: Opened,
  requests: readonly Request[],
  question: (request: Request) => Question<Result> | Unaskable,
  options: CallOptions,
): AsyncGenerator<Result | (Failure & { id: string }), void, undefined> {
  const { seat } = opened;
  const { server } = seat;
  const why = opened.stale();
  if (why !== undefined) throw stale(why);
  const leave = server.watch();
  const mute = options.onEvent ? server.listen(options.onEvent) : () => undefined;
  let done = 0;
  let toldAt = server.clock.now();
  try {
    // A few more than the server has places for, so that one is at hand for each that becomes free; whoever waits for
    // their next attempt holds nobody up. All that is under way is held in memory.
    const { inFlight } = server.options.limits;
    const width = () => Math.min(2 * inFlight, inFlight + Math.ceil(inFlight / 4) + seat.tally.resting);
    const put = async (request: Request, signal: AbortSignal): Promise<Result | (Failure & { id: string })> => {
      const asked = question(request);
      if (!("impossible" in asked)) return ask(asked, seat, signal);
      return { ok: false, boundary: "backend", id: request.id, reason: asked.impossible };
    };
    for await (const answer of answerAll(requests, width, put, options.signal)) {
      yield answer;
      done++;
      const now = server.clock.now();
      if (now - toldAt < PROGRESS_MS && done < requests.length) continue;
      toldAt = now;
      options.onEvent?.({ kind: "progress", done, total: requests.length, unit: "requests" });
    }
  } finally {
    mute();
    leave();
  }
}

function stale(why: string): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: "stale-model",
    message: why,
    next: "open the checkpoint again before it is used",
  });
}
