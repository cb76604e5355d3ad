/** From scripted answers to curated problems: verdicts, who survives, resuming, and what is read back. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Seed, Triple } from "../core/records.ts";
import { rng } from "../core/rng.ts";
import { SampleSettings } from "../curate/concepts/sample.ts";
import { DEFAULT_MATCH } from "../curate/decontaminate/matcher.ts";
import { DEFAULT_DEDUP } from "../curate/dedup/options.ts";
import { FilterSettings, filterChain } from "../curate/filter/chain.ts";
import { lexical } from "../embed/lexical.ts";
import { inline } from "../exec/inline.ts";
import { scripted } from "../lm/scripted.ts";
import { wordTokenizer } from "../lm/word-tokenizer.ts";
import { conceptSetsJournal, type SetSampling, SetSource, sampleSets, setSourceJournal } from "./concept-sets.ts";
import { curate, oracleFilter } from "./curate.ts";
import { specialTokens } from "./em/format.ts";
import { recordsOf, type StageContext } from "./stage.ts";
import { problemsOf, synthesize } from "./synthesize.ts";
import { dropOf, keptProblems, synthesized } from "./synthesized.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-curate-"));
});
afterEach(() => rm(folder, { recursive: true }));

const context = (more: Partial<StageContext> = {}): StageContext => ({
  ...{ folder, rng: rng(1), executor: inline() },
  ...more,
});

const seeds: Seed[] = [
  { id: "seed-1", problem: "Find the least prime number above 40 that leaves 3 when divided by 5." },
];
const benchmark =
  "A merchant sells 14 bolts of cloth at 23 coins each and pays a toll of 9 coins at the gate; how many coins remain in the purse?";

/** One output for each concept set, by its single concept. */
const outputs: Record<string, string> = {
  good: "Find the number of lattice points with |x| + |y| at most 7.",
  seeded: "find the least prime number above 40, that leaves 3 when divided by 5.",
  first: "Ann has 12 red marbles and 30 blue marbles. How many marbles does Ann have?",
  second: "Ben has 12 red marbles and 30 blue marbles. How many marbles does Ben have?",
  proof: "Prove that the sum of the first 9 odd numbers is 81, and find it.",
  leaked: `Once more. ${benchmark.toUpperCase()}`,
  alone: "Prove that the product of 6 and 7 is even. How large is it?",
  twin: "The product of 6 and 7 is even. How large is it? Prove that the product is even.",
};
const names = [...Object.keys(outputs), "broken"];
const words = [...new Set(`${names.join(" ")} plan: ${Object.values(outputs).join(" ")}`.split(/\s+/))];
const tokenizer = wordTokenizer(words, specialTokens);

const backend = scripted({
  tokenizer,
  answer: (_, prompt) => {
    const name = names.find((name) => prompt.split(/\s+/).includes(name)) as string;
    return name === "broken" ? "plan:" : `plan: <|problem|> ${outputs[name]} <|end|>`;
  },
});

async function write(sets: string[], at = context()) {
  return synthesize(at, {
    ...{ backend, p: { path: "p", hash: "p" }, sets: sets.map((name) => ({ concepts: [name] })), drawsPerSet: 1 },
    ...{ temperature: 1, topP: 1, maxTokens: 64, shardSize: 2 },
  });
}

async function curateAll(at = context()) {
  const written = await write(names, at);
  return curate(at, {
    ...{
      problems: problemsOf(written, await written.count()),
      seeds,
      dedup: DEFAULT_DEDUP,
      match: DEFAULT_MATCH,
      workers: 0,
    },
    filters: filterChain(["proof"], FilterSettings.parse({})),
    benchmarks: [{ id: "bench.jsonl:7", text: benchmark }],
  });
}

async function fates(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const entry of synthesized({ folder })) {
    const { concepts } = entry.written.ok ? entry.written.problem : entry.written;
    found[concepts[0] as string] = dropOf(entry)?.step ?? (entry.curation?.kept ? "kept" : "not judged");
  }
  return found;
}

describe("curation of what was written", () => {
  it("puts every drop down to a step, and keeps the rest", async () => {
    await curateAll();
    const { first, second, ...rest } = await fates();
    expect(rest).toEqual({
      good: "kept",
      seeded: "deduplication",
      proof: "filters",
      leaked: "decontamination",
      alone: "filters",
      twin: "filters",
      broken: "format",
    });
    expect([first, second].sort()).toEqual(["deduplication", "kept"]);
    const kept = await Array.fromAsync(keptProblems({ folder }));
    expect(kept.map(({ concepts }) => concepts[0])).toEqual(["good", first === "kept" ? "first" : "second"]);
  });

  it("keeps of a cluster one that the filters pass, whatever the ids", async () => {
    const written = await write(["first", "second"]);
    const problems = problemsOf(written, 2);
    const ids = (await Array.fromAsync(problems)).map(({ id }) => id);
    for (const [i, kept] of ids.entries()) {
      await rm(join(folder, "journal/synthesis/screenings"), { recursive: true, force: true });
      await rm(join(folder, "journal/synthesis/curations"), { recursive: true, force: true });
      const other = outputs[i === 0 ? "second" : "first"] as string;
      const only = {
        name: "names",
        check: ({ problem }: { problem: string }) => (problem === other ? "not this one" : undefined),
      };
      await curate(context(), {
        ...{ problems, seeds, dedup: DEFAULT_DEDUP, match: DEFAULT_MATCH, workers: 0, filters: [only], benchmarks: [] },
      });
      const survivors = await Array.fromAsync(keptProblems({ folder }));
      expect(survivors.map(({ id }) => id)).toEqual([kept]);
    }
  });

  it("goes on after an interruption between its two halves, with the same bytes", async () => {
    await curateAll();
    const whole = await readFile(join(folder, "journal/synthesis/curations/000001.jsonl"));
    await rm(join(folder, "journal/synthesis/curations"), { recursive: true });
    const stop = new AbortController();
    stop.abort(new Error("stop"));
    await expect(curateAll(context({ signal: stop.signal }))).rejects.toThrow("interrupted");
    expect(await fates()).toMatchObject({ good: "not judged", proof: "filters" });
    await curateAll();
    expect(await readFile(join(folder, "journal/synthesis/curations/000001.jsonl"))).toEqual(whole);
  });

  it("has an oracle judge as a filter, concepts included", () => {
    const filter = oracleFilter({
      read: (problem) =>
        problem === "bad"
          ? { kind: "ungrammatical", reason: "no such word", skeleton: "" }
          : { kind: "valid", answer: "1", skeleton: "", concepts: ["gcd"], steps: [] },
    });
    expect(filter.check({ problem: "bad" })).toBe("ungrammatical: no such word");
    expect(filter.check({ problem: "good", concepts: ["gcd"] })).toBeUndefined();
    expect(filter.check({ problem: "good", concepts: ["gcd", "lcm"] })).toBe('unused: the concept "lcm"');
  });
});

describe("concept sets", () => {
  const triples = ["abc", "abd", "acd", "bce", "abe"].map((letters, i): Triple => {
    const concepts = [...letters].map((letter) => `concept ${letter}`);
    return { id: `t${i}`, seedId: `s${i}`, annotator: "toy", concepts, rationale: "r", problem: "p" };
  });
  const options: SetSampling = {
    ...{ sets: 6, triples, minCount: 1, rates: null, workers: 0 },
    settings: SampleSettings.parse({ size: 2 }),
    embedder: (texts) => lexical(texts),
    levelOf: (_, n) => (n % 2 === 0 ? "easy" : undefined),
  };
  const setsOf = async (at: StageContext, more: Partial<SetSampling> = {}) =>
    Array.fromAsync(await sampleSets(at, { ...options, ...more }));

  it("are drawn once, journaled with their level, and read again", async () => {
    const sets = await setsOf(context());
    expect(sets).toHaveLength(6);
    expect(new Set(sets.map(({ concepts }) => [...concepts].sort().join())).size).toBe(6);
    expect(sets.map(({ level }) => level)).toEqual(["easy", undefined, "easy", undefined, "easy", undefined]);
    expect(await setsOf(context({ rng: rng(2) }))).toEqual(sets); // they are there already
    const [source] = await Array.fromAsync(recordsOf({ folder }, setSourceJournal));
    expect(source).toMatchObject({
      source: "sampled",
      embedder: expect.stringMatching(/^lexical-/),
      sets: 6,
      concepts: 5,
      problems: 5,
      exhausted: null,
    });
  });

  it("say that the space is exhausted", async () => {
    const notes: string[] = [];
    const onEvent: StageContext["onEvent"] = (event) => event.kind === "note" && notes.push(event.message);
    expect(await setsOf(context({ onEvent }), { sets: 50 })).toHaveLength(10);
    const [source] = await Array.fromAsync(recordsOf({ folder }, setSourceJournal));
    expect(SetSource.parse(source)).toMatchObject({ exhausted: "all 10 sets of 2 concepts have been drawn" });
    expect(notes.join()).toContain("fewer concept sets than asked for");
  });

  it("are the same after an interruption before their source was noted", async () => {
    const sets = await setsOf(context());
    await rm(join(folder, "journal", setSourceJournal.journal), { recursive: true });
    const file = join(folder, "journal", conceptSetsJournal.journal, "000001.jsonl");
    const whole = await readFile(file);
    await writeFile(file, whole.subarray(0, whole.length - 30)); // a torn commit
    expect(await setsOf(context())).toEqual(sets);
    expect(await readFile(file)).toEqual(whole);
  });

  it("turn towards concepts of the pass rate that is aimed at", async () => {
    const file = join(folder, "rates.jsonl");
    const rows = ["a", "b", "c", "d", "e"].map((letter) => ({
      concepts: [`Concept ${letter}.`],
      passRate: letter === "d" || letter === "e" ? 0.5 : 1,
    }));
    const lines = [...rows.flatMap((row) => Array(40).fill(row)), { concepts: ["unknown"], passRate: 1 }];
    await writeFile(file, lines.map((row) => JSON.stringify(row)).join("\n"));
    const notes: string[] = [];
    const onEvent: StageContext["onEvent"] = (event) => event.kind === "note" && notes.push(event.message);
    const rates = { file, target: 0.5, width: 0.1, prior: 1 };
    const [set] = await setsOf(context({ onEvent }), { sets: 1, rates });
    expect([...(set?.concepts ?? [])].sort()).toEqual(["concept d", "concept e"]);
    expect(notes).toEqual([`${file}:201 measures nothing: none of its concepts is in the space`]);
  });
});
