import { describe, expect, it } from "vitest";
import { PromptCotError } from "../core/errors.ts";
import { Config, configJsonSchema, resolveConfig, withPaths } from "./config.ts";

const messageOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof PromptCotError) return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
};

describe("config", () => {
  it.each(["tiny", "small", "paper"])("scale %s sets every key of both recipes", (scale) => {
    for (const recipe of ["pocket", "seeds"]) {
      const config = resolveConfig({ recipe, scale, seeds: recipe === "seeds" ? { file: "x.jsonl" } : {} }, [], "test");
      expect(Config.parse(config)).toEqual(config);
    }
  });

  it("the user's keys go over the scale's, and --set over both", () => {
    const config = resolveConfig({ em: { rounds: 7, q: { epochs: 2 } } }, ["em.rounds=9", "em.select=mean"], "test");
    expect(config.em).toMatchObject({ rounds: 9, select: "mean", candidates: 8 });
    expect(config.em.q.epochs).toBe(2);
  });

  it("an unknown key is an error with a suggestion", () => {
    expect(messageOf(() => resolveConfig({ em: { round: 3 } }, [], "c.json"))).toBe(
      'c.json: unknown key "em.round". Did you mean "em.rounds"?',
    );
    expect(messageOf(() => resolveConfig({}, ["coldStart.p.learningrate=1"], "c.json"))).toContain(
      '"coldStart.p.learningRate"',
    );
    expect(messageOf(() => resolveConfig({ scale: "smal" }, [], "c.json"))).toContain('Did you mean "small"?');
  });

  it("a value of the wrong kind is named with its key", () => {
    expect(messageOf(() => resolveConfig({ em: { rounds: "three" } }, [], "c.json"))).toContain("em.rounds");
    expect(messageOf(() => resolveConfig([], [], "c.json"))).toContain("must be a JSON object");
    expect(messageOf(() => resolveConfig({}, ["em.rounds"], "c.json"))).toContain("key.key=value");
  });

  it.each([
    ["em.rounds=three", "em.rounds: must be a number, not a text"],
    ["em.rounds=1.5", "em.rounds: must be a whole number, not 1.5"],
    ["em.q.learningRate=-1", "em.q.learningRate: must be more than 0, not -1"],
    ["synthesize.topP=2", "synthesize.topP: must be at most 1, not 2"],
    ["em.stopOnAlarm=3", "em.stopOnAlarm: must be true or false, not 3"],
    ["curate.decontaminate.against=5", "curate.decontaminate.against: must be a list, not 5"],
    ["seeds.annotators=[]", "seeds.annotators: must be a list with at least 1 entry"],
  ])("%s is told in words, and no text is repeated that may be a key", (assignment, words) => {
    expect(() => resolveConfig({ recipe: "pocket" }, [assignment], "x")).toThrow(words);
  });

  it("where concepts come from, and what curation goes by, can be told key by key", () => {
    const written = { concepts: { embedder: { kind: "transformers", model: "minilm" }, rates: { file: "r.jsonl" } } };
    const set = ["concepts.size=3", 'curate.decontaminate.against=["a.jsonl"]', "curate.dedup.threshold=0.5"];
    const config = resolveConfig({ recipe: "seeds", seeds: { file: "s.jsonl" }, ...written }, set, "test");
    expect(config.concepts).toMatchObject({
      source: "sampled",
      size: 3,
      rates: { file: "r.jsonl", target: 0.5, width: 0.2 },
    });
    expect(config.curate).toMatchObject({
      decontaminate: { against: ["a.jsonl"], ngram: 13 },
      dedup: { threshold: 0.5, bands: 64 },
    });
    const placed = withPaths(config, (path) => `/at/${path}`);
    expect(placed.concepts.rates?.file).toBe("/at/r.jsonl");
    expect(placed.curate.decontaminate.against).toEqual(["/at/a.jsonl"]);
    expect(messageOf(() => resolveConfig({}, ["concepts.mode=papr"], "c.json"))).toContain("concepts.mode");
    expect(messageOf(() => resolveConfig({ curate: { filters: ["orcale"] } }, [], "c.json"))).toContain(
      "curate.filters.0",
    );
  });

  it("the seeds recipe says that it needs a file", () => {
    expect(messageOf(() => resolveConfig({ recipe: "seeds" }, [], "c.json"))).toContain("seeds.file");
  });

  it("has a JSON Schema in which no key is required and every branch is strict", () => {
    const text = JSON.stringify(configJsonSchema());
    expect(text).not.toContain('"required":[');
    expect(text).toContain('"additionalProperties":false');
    expect(text).toContain("candidates");
  });
});
