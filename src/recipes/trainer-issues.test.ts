/** Trainings that a trainer cannot carry out are refused when the config is read. */
import { describe, expect, test } from "vitest";
import { resolveAny } from "./config.ts";

const trl = { kind: "trl" };
const llama = { kind: "llama-factory" };
const own = { kind: "command", sft: { rows: "tokens", run: [["train", "{data}"]] } };
const problem = { recipe: "math-selfplay", scale: "tiny", model: { from: "m" }, problems: { file: "p.jsonl" } };
const pocket = { recipe: "pocket", scale: "tiny" };

const read = (written: object, ...sets: string[]) => resolveAny(written, sets, "x.json");

/** Both models of the pocket recipe trained by `backend`. */
const both = (backend: object) => ({
  ...pocket,
  backends: { outside: backend },
  roles: { q: { train: "outside" }, p: { train: "outside" } },
});
const solver = (backend: object) => ({
  ...problem,
  backends: { outside: backend },
  roles: { solver: { train: "outside" } },
});

describe("a config is read", () => {
  test.each([
    ["trl for q and p", both(trl)],
    ["LLaMA-Factory for q and p", both(llama)],
    ["axolotl for q and p", both({ kind: "axolotl", lora: {} })],
    ["a command for q and p", both(own)],
    ["dpo by trl", solver(trl)],
  ])("with %s", (_, written) => {
    expect(read(written).backends).toBeDefined();
  });

  test("with GRPO by trl, whose batches hold each prompt's attempts", () => {
    read(
      solver({ ...trl, processes: 2, perDeviceBatch: 8 }),
      "selfPlay.training.kind=grpo",
      "selfPlay.attempts.count=8",
    );
  });
});

describe("a config is refused", () => {
  test.each([
    ["carried moments", both(trl), ["em.q.optimizer=carry"], /em\.q: "outside": TRL starts AdamW's moments at zero/],
    ["carried moments by a command", both(own), ["em.p.optimizer=carry"], /em\.p: "outside": it starts AdamW's/],
    [
      "a batch that does not divide",
      both({ ...trl, processes: 7 }),
      [],
      /coldStart\.q: "outside": a batch of \d+ rows does not/,
    ],
    ["weighted rows", both(trl), ["em.select=posterior"], /em\.q: "outside": it has no row weights/],
    [
      "dpo by a template",
      solver(llama),
      [],
      /selfPlay\.training\.fit: "outside": a trainer of kind llama-factory does no dpo/,
    ],
    ["dpo by a command without a recipe for it", solver(own), [], /kind command does no dpo here, only sft/],
    [
      "grpo by the engine",
      problem,
      ["selfPlay.training.kind=grpo"],
      /"embedded": a trainer of kind embedded does no grpo/,
    ],
    [
      "an NLL term over several rows at once",
      solver({ ...trl, perDeviceBatch: 2 }),
      ["selfPlay.training.nllWeight=0.1"],
      /needs perDeviceBatch 1/,
    ],
    [
      "a misspelt placeholder",
      both({ ...own, sft: { ...own.sft, run: [["train", "{dta}"]] } }),
      [],
      /Did you mean "\{data\}"/,
    ],
  ])("with %s", (_, written, sets, message) => {
    expect(() => read(written, ...sets)).toThrow(message);
  });
});
