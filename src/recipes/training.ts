/** From a config's words for a round's training to the value that self-play takes. */
import type { Backend, Trainer } from "../lm/contract.ts";
import type { Training } from "../stages/selfplay/train.ts";
import { fitOf } from "./fit-config.ts";
import type { SelfPlayConfig } from "./selfplay-config.ts";

export function trainingOf(
  parts: { scorer: Backend; trainer: Trainer },
  { kind, fit, beta, nllWeight, reference, start }: SelfPlayConfig["training"],
): Training {
  const shared = { trainer: parts.trainer, fit: fitOf(fit) };
  return kind === "dpo"
    ? { kind, ...shared, scorer: parts.scorer, beta, nllWeight, reference }
    : { kind, ...shared, start, beside: [] };
}
