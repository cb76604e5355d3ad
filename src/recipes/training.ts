/** From a config's words for a round's training to the value that self-play takes. */
import type { Backend, Trainer, TrainRow } from "../lm/contract.ts";
import type { Training } from "../stages/selfplay/train.ts";
import { fitOf } from "./fit-config.ts";
import type { SelfPlayConfig } from "./selfplay-config.ts";

export function trainingOf(
  parts: { scorer: Backend; trainer: Trainer },
  {
    training: { kind, fit, beta, nllWeight, reference, start },
    attempts,
  }: Pick<SelfPlayConfig, "training" | "attempts">,
  beside: readonly TrainRow[] = [],
): Training {
  const shared = { trainer: parts.trainer, fit: fitOf(fit) };
  switch (kind) {
    case "dpo":
      return { kind, ...shared, scorer: parts.scorer, beta, nllWeight, reference };
    case "sft":
      return { kind, ...shared, start, beside };
    case "grpo":
      return { kind, ...shared, attempts, beta };
    default:
      return kind satisfies never;
  }
}
