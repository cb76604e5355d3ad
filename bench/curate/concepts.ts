/** The concept sampler at scale: sets a second, and how far what is drawn is from the exact distribution. */
import { rng } from "../../src/core/rng.ts";
import { createDrawer, type Drawer } from "../../src/curate/concepts/draw.ts";
import { indexOf, SampleSettings, sampleConceptSets } from "../../src/curate/concepts/sample.ts";
import { buildConceptSpace, type ConceptSpace } from "../../src/curate/concepts/space.ts";
import { lexical } from "../../src/embed/lexical.ts";
import { firstAbove, SYLLABLES } from "./synthetic.ts";

export async function sample(concepts: number, sets: number): Promise<void> {
  const space = await conceptSpace(concepts);
  const settings = SampleSettings.parse({});
  const started = performance.now();
  let drawn = 0;
  for await (const item of sampleConceptSets(space, { settings, seed: 1, sets, workers: 2 }))
    if (item.kind === "set") drawn++;
  console.log(
    `  ${drawn.toLocaleString("en")} sets of 5 from ${space.names.length.toLocaleString("en")} concepts in ${((performance.now() - started) / 1000).toFixed(1)} s, neighbour lists included`,
  );
  variation(space, settings);
}

/** Total-variation distance of drawn next concepts from the exact softmax, beside that of as many draws from the softmax itself. */
function variation(space: ConceptSpace, settings: SampleSettings): void {
  const random = rng("variation");
  const drawer = createDrawer(indexOf(space, settings, undefined, random.fork("index")));
  exactDistance(drawer);
  const size = space.names.length;
  const draws = 100_000;
  const set = new Uint32Array(5);
  for (const length of [1, 2, 4]) {
    drawer.draw(random, 5, set, 0);
    const prefix = [...set.subarray(0, length)];
    const exact = drawer.probabilities(prefix);
    const running = exact.slice();
    for (let j = 1; j < size; j++) running[j]! += running[j - 1] as number;
    const [ours, theirs] = [new Float64Array(size), new Float64Array(size)];
    for (let i = 0; i < draws; i++) {
      ours[drawer.next(random, prefix)]!++;
      theirs[firstAbove(running, random.next())]!++;
    }
    const distance = (counts: Float64Array) =>
      exact.reduce((sum, p, j) => sum + Math.abs(p - (counts[j] as number) / draws), 0) / 2;
    console.log(
      `  after ${length}: total variation ${distance(ours).toFixed(4)}; as many exact draws: ${distance(theirs).toFixed(4)}`,
    );
  }
}

/** The distance of what is drawn from the softmax, computed and not counted, over sets of 1 to 4 concepts. */
function exactDistance(drawer: Drawer): void {
  const set = new Uint32Array(5);
  const distances = Array.from({ length: 100 }, (_, n) => {
    drawer.draw(rng(n), 5, set, 0);
    const prefix = [...set.subarray(0, 1 + (n % 4))];
    const [exact, drawn] = [drawer.probabilities(prefix), drawer.proposed(prefix)];
    return exact.reduce((sum, p, j) => sum + Math.abs(p - (drawn[j] as number)), 0) / 2;
  });
  const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
  console.log(
    `  total variation of what is drawn: ${mean.toFixed(5)} on average over 100 sets, ${Math.max(...distances).toFixed(5)} at most`,
  );
}

/** Concepts of two to four words under Zipf's law, in topics; four problems a concept and more. */
async function conceptSpace(size: number): Promise<ConceptSpace> {
  const random = rng("concepts");
  const vocabulary = Array.from({ length: Math.round(size / 3) + 50 }, () =>
    Array.from({ length: 2 + random.int(3) }, () => random.pick(SYLLABLES)).join(""),
  );
  const names = Array.from({ length: size }, () =>
    Array.from({ length: 2 + random.int(3) }, () => random.pick(vocabulary)).join(" "),
  );
  const running = new Float64Array(size);
  for (let i = 0, total = 0; i < size; i++) running[i] = total += 1 / (i + 3);
  const pick = (): number => {
    return firstAbove(running, random.next() * (running[size - 1] as number));
  };
  function* problems(): Generator<string[]> {
    for (let p = 0; p < 6 * size; p++) {
      const topic = random.int(200);
      yield Array.from({ length: 5 }, () => {
        const c = pick();
        return names[random.next() < 0.7 ? Math.min(size - 1, c - (c % 200) + topic) : c] as string;
      });
    }
  }
  return buildConceptSpace(problems(), { embedder: (corpus) => lexical(corpus) });
}
