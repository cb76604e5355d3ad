/**
 * A round's training (PAPER.md §5): DPO on the pairs, SFT on the right rollouts, or GRPO on the tasks in the band. DPO and
 * SFT see the rollouts' own token ids, with their end token where there is one; nothing is tokenized again.
 */
import { z } from "zod";
import type { CallOptions } from "../../core/events.ts";
import type { Verdict } from "../../core/records.ts";
import type { Backend, Checkpoint, PreferenceRow, TokenIds, Trainer, TrainRow } from "../../lm/contract.ts";
import type { Fit } from "../em/m-step.ts";
import { LogProb, nats, sumOf, type TrainingRecord } from "../em/records.ts";
import { type JournalKind, journaled, type StageContext, trained, withModel } from "../stage.ts";
import type { GoodRollout } from "./records.ts";
import type { Attempts } from "./solver.ts";

/** How a round's rollouts become a new model. */
export type Training =
  | {
      kind: "dpo";
      trainer: Trainer;
      /** What scores the reference's log-probabilities. */
      scorer: Backend;
      fit: Fit;
      beta: number;
      /** Weight of the mean NLL per token of the chosen rollout. */
      nllWeight: number;
      /** Whether the reference is the model that self-play started from, or the one that the round started from. */
      reference: "original" | "round";
    }
  | {
      kind: "sft";
      trainer: Trainer;
      fit: Fit;
      /** Where each round's training starts: from the model that self-play started from, or from the round's. */
      start: "original" | "round";
      /** Rows that every round is taught besides: worked solutions, say, so that they are not forgotten. */
      beside: readonly TrainRow[];
    }
  | {
      kind: "grpo";
      /** Samples by itself, and asks for rewards as it goes. */
      trainer: Trainer;
      fit: Fit;
      /** Answers to each prompt, and how they are drawn. */
      attempts: Attempts;
      /** Weight of the divergence from the round's start. */
      beta: number;
    };

/** A rollout with the ids that it answered. */
export interface Told {
  prompt: TokenIds;
  rollout: GoodRollout;
}

export interface TrainStage {
  /** The job's name: `selfplay/round-1`. */
  name: string;
  training: Training;
  original: Checkpoint;
  /** Where the round started. */
  from: Checkpoint;
  pairs: readonly { id: string; chosen: Told; rejected: Told }[];
  right: readonly Told[];
  /** Tasks in the difficulty band, for GRPO. */
  trials: { prompts: readonly { id: string; prompt: TokenIds }[]; verdict: TrialVerdict; verdictId: string };
  shardSize: number;
}

/** What the grader says of an answer to a task; an answer of invalid form is wrong. */
export type TrialVerdict = (taskId: string, text: string, call: CallOptions) => Promise<Verdict["verdict"]>;

export function trainRound(
  context: StageContext,
  stage: TrainStage,
): Promise<{ checkpoint: Checkpoint; record: TrainingRecord }> {
  const { training } = stage;
  switch (training.kind) {
    case "dpo":
      return dpo(context, stage, training);
    case "sft":
      return sft(context, stage, training);
    case "grpo":
      return grpo(context, stage, training);
    default:
      return training satisfies never;
  }
}

/** §5 names GRPO as an alternative: 1 for a right answer, 0 for a wrong one, and nothing where nobody can say. */
function grpo(context: StageContext, stage: TrainStage, training: Training & { kind: "grpo" }) {
  const { prompts, verdict, verdictId } = stage.trials;
  const { count: generations, maxTokens, temperature, topP } = training.attempts;
  const seed = context.rng.fork(stage.name, "order").uint32();
  return trained(context, {
    name: stage.name,
    trainer: training.trainer,
    job: {
      kind: "grpo",
      job: {
        ...{ from: stage.from, rows: prompts, ...training.fit, seed, beta: training.beta },
        ...{ generations, maxTokens, temperature, topP, rewardId: verdictId },
        reward: (trials, call) =>
          Promise.all(trials.map(async ({ id, text }) => rewards[await verdict(id, text, call)])),
      },
    },
  });
}

const rewards = { correct: 1, wrong: 0, unknown: undefined } as const;

async function sft(context: StageContext, stage: TrainStage, training: Training & { kind: "sft" }) {
  const rows = [...stage.right.map(rightRow), ...training.beside];
  const from = training.start === "original" ? stage.original : stage.from;
  const seed = context.rng.fork(stage.name, "order").uint32();
  return trained(context, {
    name: stage.name,
    trainer: training.trainer,
    job: { kind: "sft", job: { from, rows, ...training.fit, seed } },
  });
}

function rightRow({ prompt, rollout }: Told): TrainRow {
  const completion = idsOf(rollout);
  const targets = new Uint8Array(prompt.length + completion.length).fill(1, prompt.length);
  return { id: rollout.id, ids: [...prompt, ...completion], targets, weight: 1 };
}

async function dpo(context: StageContext, stage: TrainStage, training: Training & { kind: "dpo" }) {
  const reference = await scoreReference(context, stage, training);
  const rows = stage.pairs.map(
    ({ id, chosen, rejected }): PreferenceRow => ({
      id,
      prompt: chosen.prompt,
      chosen: idsOf(chosen.rollout),
      rejected: idsOf(rejected.rollout),
      reference: { chosen: scoreOf(reference, chosen), rejected: scoreOf(reference, rejected) },
      weight: 1,
    }),
  );
  const { beta, nllWeight, fit } = training;
  const seed = context.rng.fork(stage.name, "order").uint32();
  return trained(context, {
    name: stage.name,
    trainer: training.trainer,
    job: { kind: "dpo", job: { from: stage.from, rows, beta, nllWeight, ...fit, seed } },
  });
}

/** A rollout's log-probability under the reference model, end token included. */
const ReferenceScore = z.strictObject({ rolloutId: z.string(), logprob: LogProb });

export const referenceJournal = (name: string): JournalKind<z.infer<typeof ReferenceScore>> => ({
  journal: `${name}/reference`,
  schema: ReferenceScore,
  version: 1,
});

/** Scores each rollout of the pairs once; a run that is resumed reads them back. rollout id → nats */
async function scoreReference(
  context: StageContext,
  stage: TrainStage,
  { scorer: backend, reference }: Training & { kind: "dpo" },
): Promise<Map<string, number>> {
  const told = new Map(
    stage.pairs.flatMap(({ chosen, rejected }) => [chosen, rejected].map((one) => [one.rollout.id, one])),
  );
  const checkpoint = reference === "original" ? stage.original : stage.from;
  return withModel(backend, checkpoint, context, async (open) => {
    const records = await journaled(context, {
      ...referenceJournal(stage.name),
      items: [...told.values()],
      shardSize: stage.shardSize,
      unit: "references",
      worker: async (shard, call) => {
        const { scorer } = await open();
        if (scorer === undefined) throw new Error("DPO needs a reference that scores: refuse it at composition");
        const requests = shard.items.map(({ prompt, rollout }) => ({
          id: rollout.id,
          prefix: prompt,
          completion: idsOf(rollout),
        }));
        const found = new Map<string, LogProb>();
        for await (const result of scorer.score(requests, call)) {
          // What the reference cannot score was sampled from a model of the same vocabulary and context: that is our mistake.
          if (!result.ok) throw new Error(`rollout ${result.id} cannot be scored: ${result.reason}`);
          found.set(result.id, sumOf(result.logprobs));
        }
        return requests.map(({ id: rolloutId }) => ({ rolloutId, logprob: found.get(rolloutId) as LogProb }));
      },
    });
    const scores = await Array.fromAsync(records);
    return new Map(scores.map(({ rolloutId, logprob }) => [rolloutId, nats(logprob)]));
  });
}

function scoreOf(scores: ReadonlyMap<string, number>, { rollout }: Told): number {
  const score = scores.get(rollout.id);
  if (score === undefined) throw new Error(`rollout ${rollout.id} has no reference score`);
  return score;
}

function idsOf(rollout: GoodRollout): TokenIds {
  if (rollout.ids === undefined)
    throw new Error(`rollout ${rollout.id} has no token ids: refuse the backend at composition`);
  return rollout.ids;
}
