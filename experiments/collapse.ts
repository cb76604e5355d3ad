/**
 * With an annotator whose rationales leave out what a problem needs, the paper's rule picks the short ones: does it collapse on a
 * real decoder, does the alarm say so, and do the other rules survive the same data (PAPER.md §8)? One cold start a seed.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { display } from "../src/cli/progress.ts";
import { aligned } from "../src/cli/table.ts";
import { compose } from "../src/recipes/backends.ts";
import { type PocketConfig, resolveConfig } from "../src/recipes/config.ts";
import { pocketMaterial } from "../src/recipes/pocket.ts";
import { emInput, prepare } from "../src/recipes/promptcot.ts";
import { openSession } from "../src/recipes/session.ts";
import { em } from "../src/stages/em/loop.ts";
import { Decoded } from "../src/stages/em/records.ts";
import { recordsOf } from "../src/stages/stage.ts";
import { styles } from "./styles.ts";

const rules = ["best", "mean", "length-controlled", "posterior"] as const;

/** Few vague rationales are enough, and a `q` that knows all five styles. */
const setting = [
  ...['seeds.annotators=["precise","terse","wordy","wrong","vague"]', "coldStart.q.epochs=3"],
  ...["em.pairs=480", "em.q.learningRate=1e-3", "em.p.learningRate=5e-4", "em.tolerance=0", "em.stopOnAlarm=false"],
];

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string", default: "1" },
      scale: { type: "string", default: "small" },
      out: { type: "string", default: "runs/experiments/collapse" },
      set: { type: "string", multiple: true, default: [] },
    },
  });
  const assignments = [`seed=${values.seed}`, `scale=${values.scale}`, ...setting, ...values.set];
  const config = resolveConfig({ recipe: "pocket" }, assignments, "collapse");
  if (config.recipe !== "pocket") throw new Error("collapse runs in the pocket domain");
  process.stdout.write(`\n${await table(join(values.out, `seed-${values.seed}`), config)}\n`);
}

async function table(folder: string, config: PocketConfig): Promise<string> {
  const session = await openSession({ folder, config, inputs: [], onEvent: display(process.stderr).onEvent });
  const material = await pocketMaterial(session, config);
  const cast = compose(session, config);
  const ready = await prepare(session, config, material, cast);
  const rows = [["rule", "round", "tokens of z", "NLL of x", "per token", "ELBO", "taught vague", "alarms"]];
  for (const select of rules) {
    const context = { ...session.context, folder: join(folder, "rules", select) };
    const input = emInput(config, ready);
    const { rounds } = await session.act(select, () =>
      em(context, { ...input, settings: { ...input.settings, select } }),
    );
    for (const { round, measure, alarms } of rounds) {
      const kind = { journal: `em/round-${round}/rationales`, schema: Decoded, version: 1 };
      const taught = round === 0 ? [] : await Array.fromAsync(recordsOf(context, kind));
      const vague = styles(taught, ready.train, material).vague ?? 0;
      rows.push([
        round === 0 ? select : "",
        String(round),
        ...[measure.zTokens, measure.xNll, measure.xNllPerToken, measure.elbo].map((value) => value?.toFixed(2) ?? "–"),
        round === 0 ? "" : `${(100 * vague).toFixed(0)} %`,
        alarms.map(({ kind }) => kind).join(", "),
      ]);
    }
  }
  await cast.close();
  await session.close("done");
  return aligned(rows);
}
