/** How benchmarks are run unless told otherwise. §6 is the paper's evaluation section as PAPER.md restates it. */
import type { Protocol } from "./contract.ts";

/** §6: temperature 0.6, top-p 0.95. */
const paper = { temperature: 0.6, topP: 0.95 } as const;

/** Room for a long thought: the mean of strong models on the paper's hard problems is 37,373 tokens (§7). The paper states no limit. */
const LONG = 65_536;
/** Enough for problems that take a page. */
const SHORT = 32_768;

export const paperMath: Protocol = {
  ...paper,
  samples: 16,
  maxTokens: LONG,
  metric: "average",
  source: "paper §6: avg@16; the token limit is ours",
};

export const paperPrograms: Protocol = {
  ...paper,
  samples: 1,
  maxTokens: LONG,
  metric: "average",
  source: "paper §6: pass@1, one sample; the token limit is ours",
};

export const paperElo: Protocol = {
  ...paper,
  samples: 8,
  maxTokens: LONG,
  metric: "elo",
  source: "paper §6: Elo from up to 8 samples; the token limit is ours",
};

/** Not in the paper: its sampling settings, and samples so that the error from sampling is small beside that from 500 problems and more. */
export const shortMath: Protocol = {
  ...paper,
  samples: 4,
  maxTokens: SHORT,
  metric: "average",
  source: "ours, with the paper's sampling settings",
};

export const shortPrograms: Protocol = { ...shortMath };

/** A solver of the pocket domain writes a line for each step. */
export const pocketProtocol: Protocol = {
  temperature: 0.6,
  topP: 0.95,
  samples: 16,
  maxTokens: 192,
  metric: "average",
  source: "ours, with the paper's sampling settings",
};
