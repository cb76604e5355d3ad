/** The scene of the fault tests: one config, one list of requests, one plan of faults; shared by tests, workers and benchmarks. */
import type { SampleRequest } from "../../src/lm/contract.ts";
import type { OpenAiConfig } from "../../src/lm/openai/options.ts";
import { FAULTS, type FaultPlan } from "./faults.ts";

/**
 * A deadline short enough that a hanging request does not hang the test, and longer than 128 requests at once wait on a
 * machine that has other work: at load 28 it answered 200 a second, hence each after 0.64 s. A deadline of 0.6 s cut good
 * answers off and bought them again (22,487 for 20,000), and `minInFlight` keeps the client from asking for less. Two
 * seconds hold down to 64 a second, and double with each time-out.
 */
export function faultyConfig(url: string): OpenAiConfig {
  return {
    url,
    model: "toy",
    dialect: "vllm",
    weights: { kind: "served" },
    score: true,
    limits: { inFlight: 128, minInFlight: 64 },
    timeouts: { baseSeconds: 2, secondsPerToken: 0, deadSeconds: 60, metricsSeconds: 1 },
    retry: { attempts: 12, firstSeconds: 0.02, longestSeconds: 1 },
  };
}

export function faultRequests(count: number): SampleRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `item-${i}`,
    prompt: { kind: "ids", ids: [3 + (i % 90), 5 + (i % 70), 7 + (i % 11)] },
    maxTokens: 6,
    temperature: 1,
    topP: 1,
    stop: {},
    seed: i,
  }));
}

/** One request in ten meets a fault; bursts of 429 and two deaths come on top. */
export function faultPlan(requests: number): FaultPlan {
  return {
    seed: 7,
    share: 0.1,
    kinds: FAULTS,
    burst: { every: Math.ceil(requests / 4), length: 40, retryAfter: "in-turn" },
    deaths: [
      { at: Math.ceil(requests * 0.3), ms: 1500 },
      { at: Math.ceil(requests * 0.7), ms: 700 },
    ],
  };
}
