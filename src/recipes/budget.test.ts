import { describe, expect, it } from "vitest";
import { broken, ofLimit, parseBudget, timeUp } from "./budget.ts";
import { resolveConfig } from "./config.ts";
import { nothingSpent, spendOf } from "./price.ts";
import { pricesOf } from "./session.ts";

describe("a budget", () => {
  it("is read in all its units", () => {
    expect(parseBudget(["usd=5"])).toEqual({ usd: 5 });
    expect(parseBudget(["tokens=2M", "usd=0.5,gpu-hours=1.5", "seconds=90"])).toEqual({
      ...{ tokens: 2_000_000, usd: 0.5, gpuHours: 1.5, seconds: 90 },
    });
    expect(parseBudget([])).toEqual({});
  });

  it.each([
    ["usb=5", 'unknown unit "usb". Did you mean "usd"?'],
    ["5", 'unknown unit "5"; there are usd, tokens, gpu-hours, seconds'],
    ["usd=", "does not say how much"],
    ["usd=-1", "does not say how much"],
    ["usd=five", "does not say how much"],
  ])("%s is refused with a way out", (text, message) => {
    expect(() => parseBudget([text])).toThrow(message);
  });

  it("is broken by what would go over it, not by what meets it", () => {
    const spend = { ...nothingSpent(), usd: 0.1 + 0.2, tokens: 90 };
    expect(broken({ usd: 0.3 }, spend, { usd: 0, tokens: 0 })).toBeUndefined();
    expect(broken({ usd: 0.3 }, spend, { usd: 0.001, tokens: 0 })).toBe("usd");
    expect(broken({ tokens: 100 }, spend, { usd: 0, tokens: 10 })).toBeUndefined();
    expect(broken({ tokens: 100 }, spend, { usd: 0, tokens: 11 })).toBe("tokens");
    expect(timeUp({ seconds: 10 }, { ...spend, seconds: 10 })).toBe("seconds");
    expect(timeUp({ gpuHours: 1 }, { ...spend, gpuHours: 0.9 })).toBeUndefined();
    expect(ofLimit("usd", { ...spend, usd: 1.25 }, { usd: 5 })).toBe("1.25 of 5 US dollars");
  });

  it("is spent by paid tokens and by the time of devices, not by the ledger or this process", () => {
    const price = { prompt: 1, completion: 2, gpuHour: 3, devices: 2 };
    const tokens = { kind: "tokens", stage: "s", backend: "b", requests: 1, prompt: 1e6, completion: 5e5 } as const;
    const spend = spendOf(
      [
        { ...tokens, source: "paid" },
        { ...tokens, source: "ledger" },
        { ...tokens, source: "computed" },
        { kind: "use", stage: "s", backend: "b", seconds: 1800 },
        { kind: "time", stage: "s", seconds: 7 },
      ],
      new Map([["b", price]]),
    );
    expect(spend).toEqual({
      ...{ requests: 1, tokens: 1.5e6, ledgerRequests: 1, ledgerTokens: 1.5e6 },
      ...{ usd: 2 + 3, gpuHours: 1, seconds: 7 },
    });
  });
});

it("prices find the devices that the config gives to a server or to jobs", () => {
  const server = { command: "vllm serve {checkpoint} --port {port}", devices: [0, 1] };
  const vllm = {
    kind: "openai",
    url: "http://127.0.0.1:8000/v1",
    model: "p",
    dialect: "vllm",
    weights: { kind: "served" },
  };
  const config = resolveConfig(
    {
      backends: {
        managed: { ...vllm, score: true, server },
        priced: { ...vllm, server, price: { gpuHour: 2, devices: 8 } },
        trainer: { kind: "trl", devices: [3] },
        elsewhere: { ...vllm },
      },
    },
    [],
    "test",
  );
  const prices = pricesOf(config);
  expect([...prices.keys()]).toEqual(["managed", "priced", "trainer"]);
  expect([...prices.values()].map(({ devices }) => devices)).toEqual([2, 8, 1]);
});
