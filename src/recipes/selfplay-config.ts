/** What a run can be told of self-play, and the defaults that its recipes share. Carries nothing out. */
import { z } from "zod";
import { conceptNames } from "../domains/pocket/index.ts";
import { isScript, paperBand, paperValidity } from "../stages/selfplay/filter.ts";
import { paperPairs } from "../stages/selfplay/pairs.ts";
import { FitConfig, fit } from "./fit-config.ts";

const count = z.number().int().positive();
const natural = z.number().int().nonnegative();
const share = z.number().min(0).max(1);

export const AttemptsConfig = z.strictObject({
  count: count.describe("attempts at each problem"),
  temperature: z.number().nonnegative(),
  topP: z.number().gt(0).max(1),
  maxTokens: count,
});

export const VoteConfig = z.strictObject({
  leastVotes: count.describe("least votes for a label; empty answers have none"),
  leastMargin: share.describe("least lead of the first answer over the second, as a share of the votes"),
});

/** The part that math, code and pocket have in common. */
export const SelfPlayConfig = z.strictObject({
  rounds: natural.describe("greatest number of rounds; 0 skips self-play"),
  attempts: AttemptsConfig.describe("rollouts of the model in training"),
  band: z
    .strictObject({
      above: share.describe("kept only with a solve rate above this"),
      below: share.describe("kept only with a solve rate below this"),
      minDecided: count.describe("least verdicts that are not unknown"),
    })
    .describe("the difficulty filter"),
  validity: z
    .strictObject({
      thought: z.enum(["required", "none"]).describe("required: exactly one <think>…</think> with something in it"),
      scripts: z
        .array(z.string().refine(isScript, { error: "is no script that Unicode names" }))
        .describe("Unicode scripts that must not occur after the thought"),
    })
    .describe("the filter on a rollout's form"),
  pairs: z.strictObject({
    majorityCap: z
      .strictObject({ low: count, high: count })
      .describe("most pairs where the label was voted: low at the least margin, high where all agree"),
    balanceLength: z.boolean().describe("prefer pairs of like length"),
    nearMisses: z.boolean().describe("prefer wrong rollouts that begin as the right one does"),
    truncatedRejected: z.boolean().describe("whether a rollout that was cut off may be the rejected one"),
  }),
  maxUnknown: share.describe("greatest share of verdicts that the grader could not reach"),
  training: z.strictObject({
    kind: z
      .enum(["dpo", "sft", "grpo"])
      .describe("dpo on the pairs, sft on the right rollouts, or grpo (a trl backend) on the tasks in the band"),
    beta: z.number().positive().describe("how strongly DPO holds to the reference; for grpo, weight of the divergence"),
    nllWeight: z.number().nonnegative().describe("weight of the chosen rollout's NLL beside the DPO loss"),
    reference: z.enum(["original", "round"]).describe("DPO's reference: the first model, or each round's start"),
    start: z.enum(["original", "round"]).describe("where each round's SFT starts"),
    fit: FitConfig,
  }),
  leastRise: z
    .number()
    .min(-1)
    .max(1)
    .describe("rise of the held-out score under which the loop ends; -1 never ends it"),
});
export type SelfPlayConfig = z.infer<typeof SelfPlayConfig>;

/**
 * The paper's self-play (§5). K = 8; temperature 1.2 is the 30B model's; batch 16, learning rate 1e-6. Beta, epochs, the margin,
 * the bound on unknown verdicts and the stop are ours: docs/decisions/2026-11-28-open-points-of-self-play.md.
 */
export const paperSelfPlay = {
  rounds: 1,
  attempts: { count: 8, temperature: 1.2, topP: 1, maxTokens: 32_768 },
  band: { ...paperBand },
  validity: { ...paperValidity, scripts: [...paperValidity.scripts] },
  pairs: { ...paperPairs, majorityCap: { low: 2, high: 4 } },
  maxUnknown: 0.05,
  training: {
    ...{ kind: "dpo", beta: 0.1, nllWeight: 0, reference: "round", start: "round" },
    fit: { ...fit(16, 1, 1e-6, 0), schedule: "constant", weightDecay: 0 },
  },
  leastRise: 0,
} satisfies SelfPlayConfig;

/** Self-play at the end of a pocket run: the solver is trained here too, and labels its own problems. */
export const PocketSelfPlayConfig = SelfPlayConfig.extend({
  solver: z.strictObject({
    concepts: z.array(z.enum(conceptNames)).min(2).describe("what its problems are about, two concepts each"),
    solutions: count.describe(
      "worked solutions it is taught, from the cold start's q on: of training seeds, and of fresh ones",
    ),
    repeats: count.describe("how often each solution is read in a part of its training"),
    replay: natural.describe("how often each solution is read again in a round's SFT, so that it is not forgotten"),
    workings: natural.describe("workings without problems beside them, fresh ones in each part"),
    parts: count.describe("most parts of its training"),
    until: share.describe("score on problems of its own at which its training ends: what is left is for self-play"),
    fit: FitConfig.describe("a part of its training"),
  }),
  tasks: count.describe("problems that p is asked for"),
  labels: z.strictObject({ generations: count, temperature: z.number().positive(), vote: VoteConfig }),
  heldOut: z.strictObject({
    dev: count.describe("fresh problems for the score after each round"),
    test: count.describe("fresh problems read before and after"),
    attempts: count,
    temperature: z.number().nonnegative(),
  }),
});
export type PocketSelfPlayConfig = z.infer<typeof PocketSelfPlayConfig>;

/** Self-play of a small model on short solutions: the paper's rules, with what differs at this size (docs/LOG.md). */
export function pocketSelfPlayDefaults(scale: "tiny" | "small" | "paper"): PocketSelfPlayConfig {
  const shared: PocketSelfPlayConfig = {
    ...paperSelfPlay,
    // No temperature above 1: a small model is unsure enough of itself.
    attempts: { count: 8, temperature: 1, topP: 1, maxTokens: 128 },
    band: { above: 0, below: 1, minDecided: 6 },
    validity: { thought: "none", scripts: [] },
    training: { ...paperSelfPlay.training, kind: "sft", fit: fit(16, 2, 2e-3, 10) },
    solver: {
      // Six of the 25 whose numbers are few enough to be known by heart, and on whose pairs p's problems are sound (docs/LOG.md).
      concepts: ["consecutive sum", "digit sum", "factorial", "multiples", "prime factor", "remainder"],
      ...{ solutions: 400, repeats: 12, replay: 1, workings: 0, parts: 3, until: 0.25, fit: fit(8, 1, 4e-3, 20) },
    },
    tasks: 200,
    labels: { generations: 8, temperature: 1, vote: { leastVotes: 4, leastMargin: 0.25 } },
    heldOut: { dev: 100, test: 100, attempts: 4, temperature: 1 },
  };
  switch (scale) {
    case "tiny":
      return {
        ...shared,
        attempts: { ...shared.attempts, maxTokens: 48 },
        solver: {
          ...shared.solver,
          ...{ solutions: 24, repeats: 8, workings: 16, parts: 2, until: 0.4 },
          fit: fit(8, 1, 1e-2, 5),
        },
        tasks: 8,
        labels: { ...shared.labels, vote: { leastVotes: 1, leastMargin: 0 } },
        heldOut: { ...shared.heldOut, dev: 4, test: 4 },
      };
    case "small":
      return shared;
    case "paper":
      return {
        ...{ ...shared, rounds: 3, tasks: 4000, heldOut: { ...shared.heldOut, dev: 300, test: 1000 } },
        solver: {
          ...{
            concepts: [...conceptNames],
            solutions: 4000,
            repeats: 1,
            replay: 1,
            workings: 8000,
            parts: 20,
            until: 0.4,
          },
          fit: { ...fit(16, 1, 1e-3, 50), floor: 0.3 },
        },
      };
    default:
      return scale satisfies never;
  }
}
