import { describe, expect, it } from "vitest";
import { rng } from "../../core/rng.ts";
import { lexical } from "../../embed/lexical.ts";
import { createDrawer } from "./draw.ts";
import { metLists } from "./met.ts";
import { DEFAULT_NEIGHBOURS, findNeighbours } from "./neighbours.ts";
import { indexOf, type Sampled, type SampleOptions, SampleSettings, sampleConceptSets } from "./sample.ts";
import { buildConceptSpace, type ConceptSpace, conceptKey } from "./space.ts";
import { passRateWeights, temper } from "./weights.ts";

const embedder = (corpus: readonly string[]) => lexical(corpus, { dimensions: 64 });
const build = (rows: string[][], minCount = 1) => buildConceptSpace(rows, { embedder, minCount });

function someRows(concepts: number, problems: number): string[][] {
  const random = rng("rows");
  const words =
    "prime sum gcd area circle triangle graph tree path digit parity limit series angle vector matrix".split(" ");
  const names = Array.from({ length: concepts }, (_, i) => `${random.pick(words)} ${random.pick(words)} ${i}`);
  return Array.from({ length: problems }, () => {
    const topic = random.int(6);
    return Array.from(
      { length: 5 },
      () => names[Math.floor(random.next() ** 2 * concepts * 0.99) - (topic % 2)] ?? (names[topic] as string),
    );
  });
}

async function sets(
  space: ConceptSpace,
  options: Partial<SampleOptions> & { settings: SampleSettings; sets: number },
): Promise<{ sets: number[][]; end: Sampled | undefined }> {
  const drawn: number[][] = [];
  let end: Sampled | undefined;
  for await (const item of sampleConceptSets(space, { seed: 1, ...options })) {
    if (item.kind === "set") drawn.push([...item.concepts]);
    else end = item;
  }
  return { sets: drawn, end };
}

describe("the concept space", () => {
  it("merges spellings, and counts problems and pairs", async () => {
    const space = await build([
      ["Prime numbers", "GCD"],
      ["prime  numbers.", "gcd", "Area"],
      ["“Prime numbers”", "Area", "area"],
    ]);
    expect(space.names).toEqual(["Prime numbers", "Area", "GCD"]);
    expect([...space.counts]).toEqual([3, 2, 2]);
    const row = (i: number) =>
      Array.from({ length: (space.together.offsets[i + 1] ?? 0) - (space.together.offsets[i] ?? 0) }, (_, e) => [
        space.together.columns[(space.together.offsets[i] ?? 0) + e],
        space.together.values[(space.together.offsets[i] ?? 0) + e],
      ]);
    expect(row(0)).toEqual([
      [1, 2],
      [2, 2],
    ]);
    expect(row(1)).toEqual([
      [0, 2],
      [2, 1],
    ]);
    expect(conceptKey(" Ｐrime_Numbers; ")).toBe("prime numbers");
  });

  it("leaves rare concepts out, and refuses an empty space", async () => {
    expect((await build([["a", "b"], ["a"]], 2)).names).toEqual(["a"]);
    await expect(build([[], [""]])).rejects.toMatchObject({ code: "no-concepts" });
  });

  it("tempers counts to [0, 1]", async () => {
    const space = await build(someRows(40, 300));
    for (const kind of ["log", "pmi"] as const) {
      const { values } = temper(space, kind);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...values)).toBeLessThanOrEqual(1);
    }
  });
});

describe("the next concept", () => {
  /** The definition, spelt out without any index. */
  function byDefinition(space: ConceptSpace, set: readonly number[], settings: SampleSettings): number[] {
    const { values, offsets, columns } = temper(space, settings.cooccurrence);
    const d = space.dimensions;
    const pair = (i: number, j: number): number => {
      for (let e = offsets[i] as number; e < (offsets[i + 1] as number); e++)
        if (columns[e] === j) return values[e] as number;
      return 0;
    };
    const mean = Array.from(
      { length: d },
      (_, k) => set.reduce((sum, i) => sum + (space.vectors[i * d + k] as number), 0) / set.length,
    );
    const norm = Math.hypot(...mean);
    const logits = space.names.map((_, j) => {
      if (set.includes(j)) return Number.NEGATIVE_INFINITY;
      const together = set.reduce((sum, i) => sum + pair(i, j), 0) / (settings.cooccurrence === "raw" ? 1 : set.length);
      const cosine = mean.reduce((sum, m, k) => sum + m * (space.vectors[j * d + k] as number), 0) / norm;
      return (together + cosine) / settings.temperature;
    });
    const top = Math.max(...logits);
    const weights = logits.map((value) => Math.exp(value - top));
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / total);
  }

  it.each(["log", "pmi", "raw"] as const)("has the probabilities of the definition (%s)", async (cooccurrence) => {
    const space = await build(someRows(60, 2000));
    const settings = SampleSettings.parse({ cooccurrence });
    const drawer = createDrawer(indexOf(space, settings, undefined, rng(1)));
    for (const set of [[0], [3, 17], [1, 8, 30, 42]]) {
      const got = drawer.probabilities(set);
      const wanted = byDefinition(space, set, settings);
      expect(wanted.every(Number.isFinite)).toBe(true);
      for (const [j, p] of wanted.entries()) expect(got[j]).toBeCloseTo(p, 5);
    }
  });

  it.each([
    ["paper", 0.2],
    ["paper", 0.02],
    ["frontier", 0.2],
    ["uniform", 0.2],
  ] as const)("is drawn with them (%s, temperature %d)", async (mode, temperature) => {
    const space = await build(someRows(50, 800));
    const drawer = createDrawer(
      indexOf(space, SampleSettings.parse({ mode, temperature }), undefined, rng(1), { length: 8, met: 4 }),
    );
    const random = rng(2);
    const draws = 20_000;
    for (const set of [[2], [5, 11, 29]]) {
      const exact = drawer.probabilities(set);
      const counts = new Float64Array(space.names.length);
      for (let i = 0; i < draws; i++) counts[drawer.next(random, set)]!++;
      for (const [j, p] of exact.entries()) {
        // Five standard deviations: seeded, so it holds or it does not.
        expect(Math.abs((counts[j] as number) / draws - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / draws) + 1e-9);
      }
    }
  });

  it("is told with the probabilities that are drawn: exact ones, unless lists miss a neighbour", async () => {
    const space = await build(someRows(400, 800));
    const settings = SampleSettings.parse({});
    const distance = (drawer: ReturnType<typeof createDrawer>, set: number[]) => {
      const [exact, drawn] = [drawer.probabilities(set), drawer.proposed(set)];
      return exact.reduce((sum, p, j) => sum + Math.abs(p - (drawn[j] as number)), 0) / 2;
    };
    const whole = createDrawer(indexOf(space, settings, undefined, rng(1), { length: 8, met: 4 }));
    const searched = (probes: number) =>
      createDrawer(indexOf(space, settings, undefined, rng(1), { length: 8, met: 4, exactUpTo: 0, probes }));
    const prefixes = Array.from({ length: 20 }, (_, i) => [3 * i, 5 * i + 1]);
    const farthest = (drawer: ReturnType<typeof createDrawer>) =>
      Math.max(...prefixes.map((set) => distance(drawer, set)));
    expect(farthest(whole)).toBeLessThan(1e-9);
    expect(farthest(searched(20))).toBeLessThan(1e-9); // every cluster is looked into
    expect(farthest(searched(1))).toBeGreaterThan(1e-3);
  });

  it("is finite where raw counts exceed what exp can hold", async () => {
    const space = await build([...Array.from({ length: 1000 }, () => ["a", "b"]), ["c", "d"], ["b", "e"]]);
    const drawer = createDrawer(indexOf(space, SampleSettings.parse({ cooccurrence: "raw" }), undefined, rng(1)));
    const a = space.names.indexOf("a");
    const p = drawer.probabilities([a]);
    expect(p[space.names.indexOf("b")]).toBeCloseTo(1, 10);
    expect(drawer.next(rng(1), [a])).toBe(space.names.indexOf("b"));
  });

  it("follows weights from pass rates", () => {
    const weights = passRateWeights(
      3,
      [
        { concepts: [0], passRate: 0.5 },
        { concepts: [0], passRate: 0.5 },
        { concepts: [1], passRate: 1 },
      ],
      { target: 0.5, width: 0.1, prior: 0.5 },
    );
    expect(weights[0]).toBeGreaterThan(weights[1] as number);
    expect(weights[0]).toBeGreaterThan(weights[2] as number);
    expect(weights[2]).toBeGreaterThan(weights[1] as number);
  });
});

describe("the lists of who met whom", () => {
  it("hold those that met most, and bound everybody else", async () => {
    const space = await build(someRows(60, 2000));
    const pairs = temper(space, "log");
    const lists = metLists(pairs, "mean", 5);
    for (const i of space.names.keys()) {
      const listed = lists.columns.subarray(lists.offsets[i], lists.offsets[i + 1]);
      const bound = lists.bounds[i] as number;
      expect(listed.length).toBeLessThanOrEqual(5);
      for (let e = pairs.offsets[i] as number; e < (pairs.offsets[i + 1] as number); e++) {
        const [j, score] = [pairs.columns[e] as number, pairs.values[e] as number];
        const at = listed.indexOf(j);
        if (at < 0) expect(score).toBeLessThanOrEqual(bound);
        else expect(bound + (lists.excess[(lists.offsets[i] as number) + at] as number)).toBeCloseTo(score, 12);
      }
    }
  });

  it("are whole where scores are summed, and empty where all are negative", async () => {
    const pairs = temper(await build(someRows(60, 2000)), "raw");
    expect(metLists(pairs, "sum").columns.length).toBe(pairs.columns.length);
    const negated = { ...pairs, values: pairs.values.map((value) => -value) };
    const { columns, bounds } = metLists(negated, "mean", 5);
    expect([columns.length, Math.max(...bounds)]).toEqual([0, 0]);
  });
});

describe("the neighbour lists", () => {
  it("bound everybody else", () => {
    const random = rng(4);
    const [size, dimensions] = [300, 16];
    const vectors = Float32Array.from({ length: size * dimensions }, () => random.normal() / 4);
    const lists = findNeighbours(vectors, size, dimensions, rng(1), { ...DEFAULT_NEIGHBOURS, length: 10 });
    const inner = (i: number, j: number) =>
      Array.from(
        { length: dimensions },
        (_, d) => (vectors[i * dimensions + d] as number) * (vectors[j * dimensions + d] as number),
      ).reduce((a, b) => a + b, 0);
    for (let i = 0; i < size; i++) {
      const listed = new Set(lists.indices.subarray(i * 10, (i + 1) * 10));
      for (let j = 0; j < size; j++)
        if (j !== i && !listed.has(j)) expect(inner(i, j)).toBeLessThanOrEqual(lists.bounds[i] as number);
    }
  });
});

describe("concept sets", () => {
  it("never repeat, have distinct members, and depend on the seed alone", async () => {
    const space = await build(someRows(80, 500));
    const settings = SampleSettings.parse({ size: 3 });
    const { sets: drawn } = await sets(space, { settings, sets: 3000 });
    expect(new Set(drawn.map((set) => set.toSorted().join())).size).toBe(3000);
    expect(drawn.every((set) => new Set(set).size === 3)).toBe(true);
    expect((await sets(space, { settings, sets: 3000, workers: 2 })).sets).toEqual(drawn);
    expect((await sets(space, { settings, sets: 3000, seed: 2 })).sets).not.toEqual(drawn);
  });

  it("go on where they stopped", async () => {
    const space = await build(someRows(80, 500));
    const settings = SampleSettings.parse({ size: 3 });
    const all = (await sets(space, { settings, sets: 400 })).sets;
    const rest = await sets(space, { settings, sets: 400, from: 150, drawn: all.slice(0, 150) });
    expect(rest.sets).toEqual(all.slice(150));
  });

  it("say when all have been drawn, and when patience ends", async () => {
    const space = await build([
      ["a", "b", "c"],
      ["b", "d", "e"],
    ]);
    const { sets: drawn, end } = await sets(space, { settings: SampleSettings.parse({ size: 2 }), sets: 100 });
    expect(drawn).toHaveLength(10);
    expect(end).toMatchObject({ kind: "exhausted", drawn: 10, reason: expect.stringContaining("all 10 sets") });
    const impatient = await sets(space, {
      settings: SampleSettings.parse({ size: 2, temperature: 0.01, patience: 3 }),
      sets: 100,
    });
    expect(impatient.end).toMatchObject({ kind: "exhausted", reason: expect.stringContaining("3 draws in a row") });
  });

  it("larger than the space are refused", async () => {
    const space = await build([["a", "b"]]);
    await expect(sets(space, { settings: SampleSettings.parse({}), sets: 1 })).rejects.toMatchObject({
      code: "set-too-large",
    });
  });

  it("of the frontier prefer pairs that seldom met", async () => {
    const space = await build(someRows(80, 2000));
    const met = new Map<string, number>();
    for (let i = 0; i < space.names.length; i++) {
      for (let e = space.together.offsets[i] as number; e < (space.together.offsets[i + 1] as number); e++)
        met.set(`${i} ${space.together.columns[e]}`, space.together.values[e] as number);
    }
    const meetings = async (mode: "paper" | "frontier") => {
      const drawn = (await sets(space, { settings: SampleSettings.parse({ size: 2, mode }), sets: 300 })).sets;
      return drawn.reduce((sum, [a, b]) => sum + (met.get(`${a} ${b}`) ?? 0), 0) / drawn.length;
    };
    expect(await meetings("frontier")).toBeLessThan(0.7 * (await meetings("paper")));
  });
});
