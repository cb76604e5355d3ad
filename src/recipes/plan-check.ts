/** A plan beside what became of it: each act's estimates, and what the run's account says. Judges nothing else. */
import { type Estimate, holds, NOTHING, sum } from "../analyses/estimate.ts";
import type { UsageLine } from "../journal/usage.ts";
import type { Plan, PlanLine } from "./plan.ts";
import { type Prices, priceOfTokens } from "./price.ts";

/** Numbers of an act; `read` and `written` are tokens of samples and scores, `taught` of training. */
export const MEASURES = ["requests", "read", "written", "taught", "usd", "gpuHours", "seconds"] as const;
export type Measure = (typeof MEASURES)[number];

/** Null where nobody could tell beforehand. */
export type Planned = Record<Measure, Estimate | null>;
export type Used = Record<Measure, number>;

export interface CheckedAct {
  act: string;
  planned: Planned;
  used: Used;
  /** Measures whose number lies outside of its bounds. */
  outside: Measure[];
}

export interface PlanCheck {
  acts: CheckedAct[];
  total: CheckedAct;
  /** Used by stages that the plan does not know: questions that find out what servers can do, self-play. */
  unplanned: Used;
}

/** The estimates of each act, in order. */
export function plannedActs(plan: Plan): { act: string; backends: string[]; planned: Planned }[] {
  const acts = Map.groupBy(plan.lines, ({ act }) => act);
  return [...acts].map(([act, lines]) => ({
    act,
    backends: [...new Set(lines.map(({ backend }) => backend))],
    planned: plannedOf(lines),
  }));
}

export function plannedOf(lines: readonly PlanLine[]): Planned {
  const asked = lines.filter(({ kind }) => kind !== "train");
  const jobs = lines.filter(({ kind }) => kind === "train");
  return {
    requests: sum(asked.map(({ requests }) => requests)),
    read: sum(asked.map(({ prompt }) => prompt)),
    written: sum(asked.map(({ completion }) => completion)),
    taught: sum(jobs.map(({ completion }) => completion)),
    usd: known(lines.map(({ usd }) => usd)),
    gpuHours: known(lines.map(({ gpuHours }) => gpuHours)),
    seconds: known(lines.map(({ seconds }) => seconds)),
  };
}

function known(estimates: readonly (Estimate | null)[]): Estimate | null {
  const all = estimates.filter((one) => one !== null);
  return all.length < estimates.length ? null : sum(all);
}

/** Answers from the ledger count as those that were paid for: a plan does not know what others will have asked. */
export function checkPlan(plan: Plan, usage: readonly UsageLine[], prices: Prices): PlanCheck {
  const actOf = new Map(plan.lines.map(({ stage, act }) => [stage, act]));
  const training = new Set(plan.lines.flatMap(({ kind, stage }) => (kind === "train" ? [stage] : [])));
  const used = new Map<string | undefined, Used>();
  for (const line of usage) {
    const act = actOf.get(line.stage);
    const sums = used.get(act) ?? nothing();
    used.set(act, sums);
    add(sums, line, training.has(line.stage), prices);
  }
  const acts = plannedActs(plan).map(({ act, planned }) => checked(act, planned, used.get(act) ?? nothing()));
  const totals = acts.reduce((total, act) => plus(total, act.used), nothing());
  return {
    acts,
    total: checked("all", plannedOf(plan.lines), totals),
    unplanned: used.get(undefined) ?? nothing(),
  };
}

function checked(act: string, planned: Planned, used: Used): CheckedAct {
  const outside = MEASURES.filter((measure) => !holds(planned[measure] ?? NOTHING, used[measure]));
  return { act, planned, used, outside: outside.filter((measure) => planned[measure] !== null) };
}

function add(used: Used, line: UsageLine, training: boolean, prices: Prices): void {
  switch (line.kind) {
    case "time":
      used.seconds += line.seconds;
      return;
    case "use": {
      const { devices = 0, gpuHour = 0 } = prices.get(line.backend) ?? {};
      used.gpuHours += (devices * line.seconds) / 3600;
      used.usd += (gpuHour * devices * line.seconds) / 3600;
      return;
    }
    case "tokens":
      if (training) {
        used.taught += line.completion;
        return;
      }
      used.requests += line.requests;
      used.read += line.prompt;
      used.written += line.completion;
      if (line.source !== "computed") used.usd += priceOfTokens(prices.get(line.backend), line);
      return;
    default:
      line satisfies never;
  }
}

function nothing(): Used {
  return { requests: 0, read: 0, written: 0, taught: 0, usd: 0, gpuHours: 0, seconds: 0 };
}

function plus(a: Used, b: Used): Used {
  const sums = nothing();
  for (const measure of MEASURES) sums[measure] = a[measure] + b[measure];
  return sums;
}
