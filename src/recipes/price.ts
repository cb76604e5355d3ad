/** What models cost: a price for each backend in the config, and what a run's usage comes to. Asks nobody and spends nothing. */
import { z } from "zod";
import type { Spend, UsageLine } from "../journal/usage.ts";
import type { Tokens } from "../lm/meter.ts";

const dollars = z.number().nonnegative().default(0);

export const Price = z
  .strictObject({
    prompt: dollars.describe("US dollars for a million prompt tokens"),
    completion: dollars.describe("US dollars for a million completion tokens"),
    gpuHour: dollars.describe("US dollars for an hour of one device"),
    devices: z
      .int()
      .nonnegative()
      .default(0)
      .describe("devices that are at work while this backend is in use; 0: those of its `server` or `devices`"),
  })
  .describe("What this backend costs, for `plan` and for `run --budget`; what is left out costs nothing.");
export type Price = z.infer<typeof Price>;

export type Prices = ReadonlyMap<string, Price>;

export function nothingSpent(): Spend {
  return { requests: 0, tokens: 0, ledgerRequests: 0, ledgerTokens: 0, usd: 0, gpuHours: 0, seconds: 0 };
}

export function priceOfTokens(price: Price | undefined, { prompt, completion }: Tokens): number {
  return price === undefined ? 0 : (price.prompt * prompt + price.completion * completion) / 1e6;
}

export function spendOf(lines: Iterable<UsageLine>, prices: Prices): Spend {
  const spend = nothingSpent();
  for (const line of lines) addUsage(spend, line, prices);
  return spend;
}

export function addUsage(spend: Spend, line: UsageLine, prices: Prices): void {
  switch (line.kind) {
    case "time":
      spend.seconds += line.seconds;
      return;
    case "use": {
      const { devices = 0, gpuHour = 0 } = prices.get(line.backend) ?? {};
      const gpuHours = (devices * line.seconds) / 3600;
      spend.gpuHours += gpuHours;
      spend.usd += gpuHour * gpuHours;
      return;
    }
    case "tokens":
      addTokens(spend, line, prices);
      return;
    default:
      line satisfies never;
  }
}

function addTokens(spend: Spend, line: Extract<UsageLine, { kind: "tokens" }>, prices: Prices): void {
  const tokens = line.prompt + line.completion;
  switch (line.source) {
    case "paid":
      spend.requests += line.requests;
      spend.tokens += tokens;
      spend.usd += priceOfTokens(prices.get(line.backend), line);
      return;
    case "ledger":
      spend.ledgerRequests += line.requests;
      spend.ledgerTokens += tokens;
      return;
    case "computed":
      return; // by an engine whose time is counted instead
    default:
      line.source satisfies never;
  }
}
