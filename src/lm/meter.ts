/**
 * Who counts what is asked of models, and may say that no more is to be asked; and backends and trainers that report to it.
 * Knows no price and no limit: the meter does.
 */
import type { Backend, Model, SampleResult, ScoreResult, Trained, Trainer } from "./contract.ts";

export interface Tokens {
  prompt: number;
  completion: number;
}

export interface Meter {
  /**
   * A place in the budget for a question that costs at most `most`. Waits while questions under way may leave room for it.
   * @throws Stopped `budget` if it cannot be paid for, or as `signal` says
   */
  reserve(most: Tokens, signal: AbortSignal | undefined): Promise<Reservation>;
  /** As `reserve`, for who can do something else meanwhile: undefined where it would wait. */
  reserveNow(most: Tokens): Reservation | undefined;
  /** Tokens that were paid for without a reservation, by a batch of an earlier process. Resolves as `Reservation.paid` does. */
  paid(tokens: Tokens): Promise<void>;
  /** An answer that cost nothing, since the ledger held it. */
  found(tokens: Tokens): void;
  /** Answers that were computed in this process. */
  computed(requests: number, tokens: Tokens): void;
  /** A model is in use from now on, until the result is called: what its devices' time is counted by. */
  using(): () => void;
}

export interface Reservation {
  /** What the question really cost. Resolves when that would survive the death of this process. */
  paid(tokens: Tokens): Promise<void>;
  /** It came to nothing, or to nothing that is paid for. */
  free(): void;
}

const noReservation: Reservation = { paid: () => Promise.resolve(), free: () => undefined };

/** Counts nothing and refuses nothing. */
export const noMeter: Meter = {
  reserve: () => Promise.resolve(noReservation),
  reserveNow: () => noReservation,
  paid: () => Promise.resolve(),
  found: () => undefined,
  computed: () => undefined,
  using: () => () => undefined,
};

/** A backend that computes in this process, its work reported to `meter`. */
export function metered<B extends Backend>(backend: B, meter: Meter): B {
  return {
    ...backend,
    async open(checkpoint, options) {
      const ended = meter.using();
      try {
        return withMeter(await backend.open(checkpoint, options), meter, ended);
      } catch (error) {
        ended();
        throw error;
      }
    },
  };
}

function withMeter(model: Model, meter: Meter, ended: () => void): Model {
  const { sampler, scorer } = model;
  return {
    ...model,
    ...(sampler === undefined
      ? {}
      : { sampler: { sample: (requests, options) => countSamples(sampler.sample(requests, options), meter) } }),
    ...(scorer === undefined
      ? {}
      : {
          scorer: {
            score: (requests, options) => {
              const lengths = new Map(
                requests.map(({ id, prefix, completion }) => [id, prefix.length + completion.length]),
              );
              return countScores(scorer.score(requests, options), lengths, meter);
            },
          },
        }),
    async close() {
      ended();
      await model.close();
    },
  };
}

async function* countSamples(results: AsyncIterable<SampleResult>, meter: Meter): AsyncGenerator<SampleResult> {
  for await (const result of results) {
    const { promptTokens, completionTokens } = result.ok ? result.usage : { promptTokens: 0, completionTokens: 0 };
    meter.computed(1, { prompt: promptTokens, completion: completionTokens });
    yield result;
  }
}

async function* countScores(
  results: AsyncIterable<ScoreResult>,
  lengths: ReadonlyMap<string, number>,
  meter: Meter,
): AsyncGenerator<ScoreResult> {
  for await (const result of results) {
    meter.computed(1, { prompt: lengths.get(result.id) ?? 0, completion: 0 });
    yield result;
  }
}

/** A trainer whose jobs are reported to `meter`: one request each, with the target tokens that it was taught. */
export function meteredTrainer(trainer: Trainer, meter: Meter): Trainer {
  const counted = async (work: () => Promise<Trained>): Promise<Trained> => {
    const ended = meter.using();
    try {
      const result = await work();
      meter.computed(1, { prompt: 0, completion: result.targetTokens });
      return result;
    } finally {
      ended();
    }
  };
  const { dpo, grpo } = trainer;
  return {
    name: trainer.name,
    sft: (job, options) => counted(() => trainer.sft(job, options)),
    ...(dpo === undefined ? {} : { dpo: (job, options) => counted(() => dpo.call(trainer, job, options)) }),
    ...(grpo === undefined ? {} : { grpo: (job, options) => counted(() => grpo.call(trainer, job, options)) }),
  };
}
