import { expect, it } from "vitest";
import type { UsageLine } from "../journal/usage.ts";
import { usageSection } from "./usage-section.ts";

const tokens = (source: "paid" | "ledger" | "computed", requests: number): UsageLine => ({
  ...{ kind: "tokens", stage: "annotations-by/big", backend: "big", source, requests, prompt: 1000, completion: 500 },
});
const price = new Map([["big", { prompt: 2, completion: 10, gpuHour: 0, devices: 0 }]]);

it("sets what servers answered beside what the ledger did, with the cost of the former alone", () => {
  const { html } = usageSection(
    [tokens("paid", 12), tokens("ledger", 34), { kind: "time", stage: "x", seconds: 1 }],
    price,
  );
  expect(html).toContain("Answers and training jobs: servers gave 12 answers (1,500 tokens)");
  expect(html).toContain("the ledger 34 (1,500), which cost nothing");
  expect(html).toContain("in all $0.0070");
  expect(html).toContain("<td>annotations-by/big</td><td>big</td><td>12</td><td>34</td><td>–</td>");
});

it("says nothing of a run that asked nobody", () => {
  expect(usageSection([{ kind: "time", stage: "x", seconds: 1 }], price).html).toBe("");
});
