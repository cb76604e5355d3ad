/**
 * A daemon that grades for a trainer in another process: HTTP on the loopback address, behind a token, ended with its job. It
 * answers what the job's reward function says; it grades nothing itself.
 *
 *   POST /  {"trials": [{"id", "text", "ids"}]}  →  {"rewards": [number | null]}
 */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { CallOptions } from "../../core/events.ts";
import type { GrpoJob } from "../contract.ts";
import { jsonService } from "../external/service.ts";

const Body = z.object({ trials: z.array(z.object({ id: z.string(), text: z.string(), ids: z.array(z.int()) })) });

export interface RewardDaemon {
  url: string;
  token: string;
  /** What the reward function threw, if it did. */
  failure(): unknown;
  close(): Promise<void>;
}

/** Trials that were asked about, of which so many could not be decided. */
export interface Asked {
  trials: number;
  unknown: number;
}

export async function rewardDaemon(
  job: Pick<GrpoJob, "reward">,
  call: CallOptions,
  onAsked: (asked: Asked) => void = () => {},
): Promise<RewardDaemon> {
  const token = randomBytes(24).toString("base64url");
  let failure: unknown;
  const service = await jsonService({
    ...{ token, port: 0 },
    onError(error) {
      failure ??= error;
    },
    async answer(_, body) {
      const asked = Body.safeParse(body);
      if (!asked.success) return [400, { error: z.prettifyError(asked.error) }];
      const { trials } = asked.data;
      const rewards = (await job.reward(trials, call)).map((reward) => reward ?? null);
      if (rewards.length !== trials.length) throw new Error(`${rewards.length} rewards for ${trials.length} trials`);
      onAsked({ trials: trials.length, unknown: rewards.filter((reward) => reward === null).length });
      return [200, { rewards }];
    },
  });
  return { url: service.url, token, failure: () => failure, close: () => service.close() };
}
