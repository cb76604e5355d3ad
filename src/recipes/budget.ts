/** What a run may use at most, as the command line says it: `usd=5`, `tokens=2M`, `gpu-hours=3`, `seconds=600`. Counts nothing. */
import { nearest, PromptCotError } from "../core/errors.ts";
import type { Spend } from "../journal/usage.ts";

/** Each limit holds for the run as a whole, with all its processes. */
export interface Budget {
  usd?: number;
  /** Prompt and completion tokens that servers were paid for. */
  tokens?: number;
  gpuHours?: number;
  seconds?: number;
}

export type Limit = keyof Budget;

export const LIMITS: readonly Limit[] = ["usd", "tokens", "gpuHours", "seconds"];

const SPELLINGS: Readonly<Record<string, Limit>> = {
  usd: "usd",
  tokens: "tokens",
  "gpu-hours": "gpuHours",
  seconds: "seconds",
};

const MULTIPLES: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6, G: 1e9 };

/** @throws PromptCotError `bad-budget` */
export function parseBudget(texts: readonly string[]): Budget {
  const budget: Budget = {};
  for (const text of texts.flatMap((one) => one.split(","))) {
    const [unit = "", value] = text.split("=", 2);
    const limit = SPELLINGS[unit.trim()];
    if (limit === undefined) throw badBudget(`unknown unit "${unit.trim()}"${guess(unit.trim())}`);
    const match = /^\s*(\d+(?:\.\d+)?)\s*([kMG]?)\s*$/.exec(value ?? "");
    const factor = MULTIPLES[match?.[2] ?? ""];
    if (match === null || factor === undefined) throw badBudget(`"${text}" does not say how much`);
    budget[limit] = Number(match[1]) * factor;
  }
  return budget;
}

function guess(unit: string): string {
  const units = Object.keys(SPELLINGS);
  const near = nearest(unit, units);
  return near === undefined ? `; there are ${units.join(", ")}` : `. Did you mean "${near}"?`;
}

function badBudget(message: string): PromptCotError {
  return new PromptCotError({
    boundary: "config",
    code: "bad-budget",
    message: `--budget: ${message}`,
    next: "say it as in --budget usd=5, --budget tokens=2M, --budget gpu-hours=3 or --budget seconds=600",
  });
}

/** The first limit that `spend` with `more` on top would break. */
export function broken(budget: Budget, spend: Spend, more: { usd: number; tokens: number }): Limit | undefined {
  const { usd, tokens } = budget;
  // Sums of prices in binary: a limit met to the cent is not broken by the last bit.
  if (usd !== undefined && spend.usd + more.usd > usd * (1 + 1e-12)) return "usd";
  if (tokens !== undefined && spend.tokens + more.tokens > tokens) return "tokens";
  return undefined;
}

/** The first limit whose time is up. */
export function timeUp({ gpuHours, seconds, usd }: Budget, spend: Spend): Limit | undefined {
  if (gpuHours !== undefined && spend.gpuHours >= gpuHours) return "gpuHours";
  if (seconds !== undefined && spend.seconds >= seconds) return "seconds";
  if (usd !== undefined && spend.gpuHours > 0 && spend.usd >= usd) return "usd"; // devices cost by the hour
  return undefined;
}

/** `4.98 of 5 USD`. */
export function ofLimit(limit: Limit, spend: Spend, budget: Budget): string {
  return `${shownAmount(limit, spend[limit])} of ${shownAmount(limit, budget[limit] ?? 0)} ${UNITS[limit]}`;
}

const UNITS: Readonly<Record<Limit, string>> = {
  usd: "US dollars",
  tokens: "tokens",
  gpuHours: "GPU-hours",
  seconds: "seconds",
};

function shownAmount(limit: Limit, value: number): string {
  const digits = { usd: 4, tokens: 0, gpuHours: 3, seconds: 0 }[limit];
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}
