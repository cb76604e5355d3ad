import { expect, it } from "vitest";
import { standalone } from "./chart.ts";
import { histogram, intervalChart } from "./share-charts.ts";

it("draws intervals in the order given, each with its dot and its words", async () => {
  const chart = intervalChart({
    label: "Scores",
    rows: [
      {
        name: "AIME 24 · before",
        value: 40,
        low: 25,
        high: 58,
        inner: { low: 36, high: 44 },
        text: "40.0 %",
        colour: 1,
      },
      { name: "AIME 24 · after", value: 52, low: 35, high: 68, text: "52.0 %", colour: 2 },
    ],
    ...{ x: "avg@16, %", mark: 50 },
  });
  expect(chart.match(/<circle/g)).toHaveLength(2);
  expect(chart.indexOf("before")).toBeLessThan(chart.indexOf("after"));
  for (const text of ["40.0 %", "52.0 %", 'aria-label="Scores"', "stroke-dasharray"]) expect(chart).toContain(text);
  await expect(standalone(chart)).toMatchFileSnapshot("fixtures/intervals.svg");
});

it("stacks groups, or sets them beside each other", async () => {
  const groups = [
    { name: "kept", colour: 1 as const, counts: [0, 3, 2] },
    { name: "dropped", colour: "muted" as const, counts: [4, 0, 1] },
  ];
  const shared = { label: "Solve rates", bins: ["0", "1", "2"], groups, x: "right attempts, of 2", y: "tasks" };
  const stacked = histogram({ ...shared, layout: "stacked" });
  // A bar for each group and bin; the tallest stack is 4 high in a frame that ends at 4.
  expect(stacked.match(/<rect/g)).toHaveLength(6);
  const beside = histogram({ ...shared, layout: "beside" });
  expect(beside.match(/<rect/g)).toHaveLength(6);
  for (const chart of [stacked, beside]) expect(chart).not.toContain("NaN");
  await expect(standalone(stacked)).toMatchFileSnapshot("fixtures/stacked.svg");
  await expect(standalone(beside)).toMatchFileSnapshot("fixtures/beside.svg");
});

it("thins out the names of bins that would run into each other", () => {
  const bins = Array.from({ length: 13 }, (_, i) => `${23 + 7 * i}–${29 + 7 * i}`);
  const groups = [{ name: "a", colour: 1 as const, counts: bins.map(() => 1) }];
  for (const layout of ["stacked", "beside"] as const) {
    const chart = histogram({ label: "x", bins, groups, x: "tokens", y: "y", layout });
    expect(bins.filter((name) => chart.includes(`>${name}<`))).toEqual(bins.filter((_, i) => i % 2 === 0));
  }
});

it("draws frames where nothing was counted", () => {
  const nothing = { label: "x", bins: ["0"], groups: [{ name: "a", colour: 1 as const, counts: [0] }], x: "x", y: "y" };
  for (const layout of ["stacked", "beside"] as const) expect(histogram({ ...nothing, layout })).not.toContain("NaN");
  const point = { name: "a", value: 1, low: 1, high: 1, colour: 1 as const };
  expect(intervalChart({ label: "x", rows: [point], x: "x" })).not.toContain("NaN");
});
