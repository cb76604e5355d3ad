import { join } from "node:path";
import { expect, it } from "vitest";
import { duration } from "./progress.ts";
import { runFolder } from "./run.ts";

it("names a run by its config, or by the folder that init wrote the config into", () => {
  expect(runFolder("configs/long.json")).toBe(join("runs", "long"));
  expect(runFolder("my-run/promptcot.jsonc")).toBe(join("runs", "my-run"));
});

it.each([
  [0.04, "0.0 s"],
  [9.96, "10 s"],
  [59.6, "1 min 00 s"],
  [119.7, "2 min 00 s"],
  [3599.9, "1 h 00 min"],
  [7830, "2 h 10 min"],
])("says %d seconds in words", (seconds, words) => {
  expect(duration(seconds)).toBe(words);
});
