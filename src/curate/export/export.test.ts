import { describe, expect, it } from "vitest";
import { contentId } from "../../core/hash.ts";
import { rng } from "../../core/rng.ts";
import { CardInput, datasetCard } from "./card.ts";
import { FORMAT_NAMES, FORMATS, formatRow, llamaFactoryInfo } from "./formats.ts";
import { parseSplits, splitByCluster } from "./splits.ts";

const EXAMPLE = {
  id: "e1",
  prompt: "What is 2+2?",
  system: "Be brief.",
  response: "4",
  chosen: "It is 4.",
  rejected: "It is 5.",
  answer: "4",
};
const CONTEXT = { source: "demo", ability: "math", split: "train", index: 7 };
const OPENING = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "What is 2+2?" },
];

describe("formats", () => {
  const rows = {
    "trl-sft": { prompt: OPENING, completion: [{ role: "assistant", content: "4" }] },
    "trl-dpo": {
      prompt: OPENING,
      chosen: [{ role: "assistant", content: "It is 4." }],
      rejected: [{ role: "assistant", content: "It is 5." }],
    },
    "trl-grpo": { prompt: OPENING, answer: "4" },
    verl: {
      data_source: "demo",
      prompt: OPENING,
      ability: "math",
      reward_model: { style: "rule", ground_truth: "4" },
      extra_info: { split: "train", index: 7, id: "e1" },
    },
    problems: { id: "e1", problem: "What is 2+2?", level: "easy" },
    "llama-factory-sft": { instruction: "What is 2+2?", input: "", output: "4", system: "Be brief." },
    "llama-factory-dpo": {
      conversations: [{ from: "human", value: "What is 2+2?" }],
      chosen: { from: "gpt", value: "It is 4." },
      rejected: { from: "gpt", value: "It is 5." },
      system: "Be brief.",
    },
    "axolotl-sft": { messages: [...OPENING, { role: "assistant", content: "4" }] },
    "axolotl-dpo": {
      messages: OPENING,
      chosen: { role: "assistant", content: "It is 4." },
      rejected: { role: "assistant", content: "It is 5." },
    },
    "openai-chat": { messages: [...OPENING, { role: "assistant", content: "4" }] },
    "openai-preference": {
      input: { messages: OPENING },
      preferred_output: [{ role: "assistant", content: "It is 4." }],
      non_preferred_output: [{ role: "assistant", content: "It is 5." }],
    },
  };

  it.each(FORMAT_NAMES)("%s", (name) => {
    expect(formatRow(name, { ...EXAMPLE, columns: { id: "e1", level: "easy" } }, CONTEXT)).toEqual({ row: rows[name] });
  });

  it.each(FORMAT_NAMES)("%s names what an example lacks", (name) => {
    for (const need of FORMATS[name].needs) {
      expect(formatRow(name, { ...EXAMPLE, [need]: undefined }, CONTEXT)).toEqual({ lacks: need });
      expect(formatRow(name, { ...EXAMPLE, [need]: "" }, CONTEXT)).toEqual({ lacks: need });
    }
  });

  it("leave an absent system message out", () => {
    expect(formatRow("trl-grpo", { ...EXAMPLE, system: undefined }, CONTEXT)).toEqual({
      row: { prompt: [OPENING[1]], answer: "4" },
    });
  });

  it("describe themselves to LLaMA-Factory", () => {
    expect(llamaFactoryInfo("llama-factory-dpo", "train.jsonl")).toMatchObject({
      ranking: true,
      formatting: "sharegpt",
    });
    expect(llamaFactoryInfo("verl", "train.jsonl")).toBeUndefined();
  });
});

describe("splits", () => {
  it("are read with their shares, or refused", () => {
    expect(parseSplits("train=0.9,test=0.1")).toEqual([
      { name: "train", share: 0.9 },
      { name: "test", share: 0.1 },
    ]);
    for (const bad of ["train", "train=0.5", "a=0.5,a=0.5", "a=1.5,b=-0.5", "../x=1"])
      expect(() => parseSplits(bad)).toThrow(/splits/);
  });

  it("keep near-duplicates together, whatever the order", async () => {
    const random = rng(1);
    const nouns = "apples pears trains rivers stones windows gardens letters candles baskets".split(" ");
    const texts = Array.from({ length: 300 }, (_, i) => {
      const words = Array.from({ length: 18 }, () => `${random.pick(nouns)}${random.int(50)}x`);
      return [0, 1].map((copy) => ({
        family: i,
        text: `Find how many ${words.join(" ")} there are if ${10 + copy} were lost`,
      }));
    }).flat();
    const items = texts.map(({ text }) => ({ id: contentId({ text }), text }));
    const shares = parseSplits("train=0.7,dev=0.1,test=0.2");
    const splits = await splitByCluster(items, shares, { seed: "1" });
    for (let i = 0; i < texts.length; i += 2) expect(splits[i]).toBe(splits[i + 1]);
    expect(splits.filter((split) => split === "train").length / splits.length).toBeCloseTo(0.7, 1);
    const back = await splitByCluster(items.toReversed(), shares, { seed: "1" });
    expect(back.toReversed()).toEqual(splits);
  });
});

describe("the dataset card", () => {
  it("holds metadata, funnel, licences, models and decontamination", () => {
    const card = datasetCard(
      CardInput.parse({
        name: "Demo",
        description: "Problems.",
        licence: "MIT",
        format: "TRL",
        files: [{ split: "train", path: "train.jsonl", rows: 1200 }],
        funnel: [{ step: "dedup", kept: 1200, dropped: [{ reason: "near | duplicate", count: 34 }] }],
        seeds: [{ name: "AoPS", licence: "CC-BY-4.0", rows: 10 }],
        models: [{ role: "annotator", name: "phi-4" }],
        decontamination: { ngram: 13, benchmarks: ["AIME 24"], dropped: 3 },
        charts: [{ title: "Lengths", path: "lengths.svg" }],
      }),
    );
    expect(card).toMatchInlineSnapshot(`
      "---
      license: "mit"
      language: ["en"]
      pretty_name: "Demo"
      tags: [synthetic, reasoning, promptcot]
      size_categories: ["1K<n<10K"]
      configs:
        - config_name: default
          data_files:
            - {split: "train", path: "train.jsonl"}
      ---

      # Demo

      Problems.

      Format: TRL. Near-duplicates never straddle two splits.

      | split | file | rows |
      | --- | --- | --- |
      | train | \`train.jsonl\` | 1,200 |

      ## What was dropped, and why

      | step |  | rows |
      | --- | --- | --- |
      | dedup | − near \\| duplicate | 34 |
      | dedup | **left** | 1,200 |

      ## Seeds and their licences

      | seeds | licence | rows |
      | --- | --- | --- |
      | AoPS | CC-BY-4.0 | 10 |

      ## Models

      | role | model |
      | --- | --- |
      | annotator | phi-4 |

      ## Decontamination

      Problems that share 13 tokens in a row with a problem of AIME 24 were dropped: 3. Tokens are words and numbers without case, punctuation and LaTeX layout.

      ## Charts

      ![Lengths](lengths.svg)
      "
    `);
  });
});
