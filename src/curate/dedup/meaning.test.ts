import { expect, it } from "vitest";
import { contentId } from "../../core/hash.ts";
import { rng } from "../../core/rng.ts";
import type { Embedder } from "../../embed/contract.ts";
import { dedup } from "./dedup.ts";
import { dedupByMeaning } from "./meaning.ts";
import { DEFAULT_DEDUP } from "./options.ts";

/** Says of texts what they are about: the word in brackets, as an axis, with the number behind it as an angle in degrees. */
const byTopic: Embedder = {
  identity: "topics",
  async embed(texts) {
    const topics = ["hens", "ropes", "trains", "wells"];
    const data = new Float32Array(texts.length * 8);
    for (const [t, text] of texts.entries()) {
      const [, topic = "", degrees = "0"] = /\[(\w+) (\w+)\]/.exec(text) ?? [];
      const angle = (Number.parseInt(degrees, 16) / 180) * Math.PI;
      data.set([Math.cos(angle), Math.sin(angle)], 8 * t + 2 * topics.indexOf(topic));
    }
    return { count: texts.length, dimensions: 8, data };
  },
};

const TEXTS = [
  "A farmer keeps birds in 12 coops; how many legs walk about the yard at dawn? [hens a]",
  "Poultry fills twelve sheds. Count every foot that touches the ground. [hens c]",
  "Some 13 sheds hold poultry. Say what number of feet there is upon the soil. [hens b]",
  "Cut a cord into 9 pieces and say how long the shortest may become. [ropes a]",
  "Nine engines leave the depot; after how many hours do all meet again? 9 [trains a]",
];

async function kept(texts: readonly string[], numbers: "same" | "any" = "same") {
  const settings = { ...DEFAULT_DEDUP, numbers };
  const result = await dedup(
    texts.map((text) => ({ id: contentId(text), text })),
    { settings },
  );
  const first = result.keptPositions().map((position) => texts[position] as string);
  const both = await dedupByMeaning(result, first, { settings, threshold: 0.99, embedder: () => byTopic });
  return { names: both.keptPositions().map((position) => texts[position] as string), verdict: both.verdict };
}

it("drops what is near in meaning, unless its numbers differ", async () => {
  const { names, verdict } = await kept(TEXTS);
  expect(names).toHaveLength(4);
  expect(names).toEqual(expect.arrayContaining(TEXTS.slice(2)));
  const dropped = [0, 1].find((n) => !verdict(n).kept) as number;
  const survivor = contentId(TEXTS[1 - dropped] as string);
  expect(verdict(dropped)).toMatchObject({
    ...{ kept: false, cluster: survivor, survivor: 1 - dropped },
    evidence: { kind: "meaning", survivor, via: survivor, cosine: expect.closeTo(Math.cos((2 / 180) * Math.PI), 6) },
  });
  expect((await kept(TEXTS, "any")).names).toHaveLength(3);
});

it("keeps the same ones in any order", async () => {
  const random = rng(1);
  const wanted = new Set((await kept(TEXTS)).names);
  for (let i = 0; i < 10; i++) expect(new Set((await kept(random.shuffle(TEXTS))).names)).toEqual(wanted);
});
