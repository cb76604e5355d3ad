/** A model of p(x|c) without rationales, trained as much as the others: what log p(x|c) is worth when it can be read off exactly. */
import type { PocketConfig } from "../src/recipes/config.ts";
import { fitOf } from "../src/recipes/config.ts";
import type { Material, Ready } from "../src/recipes/promptcot.ts";
import { formatFor, type Given, row } from "../src/stages/em/format.ts";
import { type StageContext, trained } from "../src/stages/stage.ts";

/** Cold start on the triples' problems, then as many rounds on the EM pairs; returns log p(x|c) of each test pair. */
export async function directModel(
  context: StageContext,
  config: PocketConfig,
  { cast, tokenizer, base, train, test }: Ready,
  { annotations, splits }: Material,
): Promise<number[]> {
  const format = formatFor(tokenizer);
  const prompt = (c: Given) => [...format.promptOfP(c), ...format.rationale([])];
  const direct = (id: string, c: Given, x: string) => row(id, prompt(c), format.problem(x), 1);
  const triples = annotations.flatMap((annotated) => (annotated.ok ? [annotated.triple] : []));
  const fit = (name: string, rows: ReturnType<typeof direct>[], from: typeof base, how: ReturnType<typeof fitOf>) =>
    trained(context, {
      name: `direct/${name}`,
      trainer: cast.p.trainer,
      job: { kind: "sft", job: { from, rows, ...how, seed: context.rng.fork("direct", name).uint32() } },
    });

  const cold = triples.filter(({ seedId }) => splits.get(seedId) === "train").map((t) => direct(t.id, t, t.problem));
  let { checkpoint } = await fit("coldstart", cold, base, fitOf(config.coldStart.p));
  const rows = train.map((pair) => direct(pair.id, pair, pair.problem));
  for (let round = 1; round <= config.em.rounds; round++) {
    ({ checkpoint } = await fit(`round-${round}`, rows, checkpoint, fitOf(config.em.p)));
  }
  const model = await cast.p.scorer.open(checkpoint, {});
  const requests = test.map((pair, i) => ({
    id: String(i),
    prefix: prompt(pair),
    completion: format.problem(pair.problem),
  }));
  const values = new Array<number>(test.length).fill(Number.NaN);
  for await (const score of model.scorer?.score(requests, {}) ?? []) {
    if (score.ok) values[Number(score.id)] = score.logprobs.reduce((sum, value) => sum + value, 0);
  }
  await model.close();
  return values;
}
