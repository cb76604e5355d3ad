/** What a run has used, in words for the terminal. */
import type { Spend } from "../journal/usage.ts";
import { type Budget, LIMITS, ofLimit } from "../recipes/budget.ts";

/** `1,204 requests (918,332 tokens, $1.20); 310 answers from the ledger`; undefined where no server was asked. */
export function spendLine(spend: Spend): string | undefined {
  const { requests, tokens, ledgerRequests, usd, gpuHours } = spend;
  if (requests + ledgerRequests === 0 && gpuHours === 0) return undefined;
  const cost = [
    `${count(tokens)} tokens`,
    ...(usd > 0 ? [money(usd)] : []),
    ...(gpuHours > 0 ? [hours(gpuHours)] : []),
  ];
  const asked = `${count(requests)} requests (${cost.join(", ")})`;
  return `${asked}; ${count(ledgerRequests)} answers from the ledger`;
}

/** One line for each limit: `0.0042 of 5 US dollars`. */
export function budgetLines(spend: Spend, budget: Budget): string[] {
  return LIMITS.flatMap((limit) => (budget[limit] === undefined ? [] : [ofLimit(limit, spend, budget)]));
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}

/** `$12.34`; four digits below a dollar. */
export function money(usd: number): string {
  const digits = usd >= 1 || usd === 0 ? 2 : 4;
  return `$${usd.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

export function hours(gpuHours: number): string {
  return `${gpuHours.toLocaleString("en", { maximumFractionDigits: 3 })} GPU-hours`;
}
