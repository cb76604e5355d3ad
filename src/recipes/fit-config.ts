/** What a run can be told of one training job, in the words of a config. */
import { z } from "zod";
import type { Fit } from "../stages/em/m-step.ts";

const count = z.number().int().positive();
const share = z.number().min(0).max(1);

export const FitConfig = z.strictObject({
  epochs: count.describe("passes over the rows"),
  batchSize: count.describe("rows per optimizer step"),
  learningRate: z.number().positive(),
  schedule: z.enum(["cosine", "constant"]).describe("course of the learning rate after warm-up"),
  floor: share.describe("where cosine ends, as a share of the learning rate"),
  warmupSteps: z.number().int().nonnegative(),
  weightDecay: z.number().nonnegative().describe("AdamW's decoupled weight decay"),
  beta1: z.number().min(0).lt(1),
  beta2: z.number().min(0).lt(1),
  epsilon: z.number().positive(),
  clipNorm: z.number().positive().describe("greatest global norm of a gradient"),
  optimizer: z.enum(["fresh", "carry"]).describe("whether AdamW's moments start at zero or continue from the last job"),
});
export type FitConfig = z.infer<typeof FitConfig>;

/** What the engine wants to know of a fit. */
export function fitOf(config: FitConfig): Fit {
  const { schedule, floor, warmupSteps, optimizer, ...rest } = config;
  return {
    optimization: {
      ...rest,
      schedule: schedule === "cosine" ? { kind: "cosine", warmupSteps, floor } : { kind: "constant", warmupSteps },
    },
    optimizer,
  };
}

/** AdamW; β₂ 0.99 because jobs are short. */
const adamw = {
  floor: 0.05,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  clipNorm: 1,
  optimizer: "fresh",
} as const;

/** The fit that a scale's defaults spell by what differs between jobs. */
export const fit = (batchSize: number, epochs: number, learningRate: number, warmupSteps: number): FitConfig => ({
  ...adamw,
  ...{ epochs, batchSize, learningRate, warmupSteps, schedule: "cosine" },
});
