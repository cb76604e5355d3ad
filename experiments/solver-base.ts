/** What the solver experiments share: one pocket run that gives `q`, `p` before and after EM, and the seeds. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { display } from "../src/cli/progress.ts";
import { rng } from "../src/core/rng.ts";
import { PocketSeed } from "../src/domains/pocket/generate.ts";
import { exists } from "../src/journal/files.ts";
import type { Checkpoint, Tokenizer, TrainRow } from "../src/lm/contract.ts";
import {
  type Embedded,
  embedded,
  openCheckpoint,
  readTokenizer,
  readTokenizerFiles,
} from "../src/lm/embedded/index.ts";
import { compose } from "../src/recipes/backends.ts";
import { type PocketConfig, resolveConfig } from "../src/recipes/config.ts";
import { pocketMaterial } from "../src/recipes/pocket.ts";
import { emInput, prepare } from "../src/recipes/promptcot.ts";
import { openSession } from "../src/recipes/session.ts";
import { em } from "../src/stages/em/loop.ts";

export interface Base {
  folder: string;
  engine: Embedded;
  tokenizer: Tokenizer;
  q: Checkpoint;
  /** Before and after EM. */
  p: { cold: Checkpoint; em: Checkpoint };
  close(): Promise<void>;
}

/** The pocket recipe's config, one thread; `--set` reaches all of it, and `selfPlay` above all. */
export function solverConfig(assignments: readonly string[]): PocketConfig {
  const base = ["engine.threads=1", "em.pairs=800", "em.tolerance=0", "em.stopOnAlarm=false", "em.controls=[]"];
  // 0.3 million weights, and seeds enough for q to copy numbers.
  const size = ["seeds.count=5200", "model.hiddenSize=80", "model.intermediateSize=216"];
  // One part of the solver's training leaves it at about a third; rates and numbers were chosen on the tuning seed (docs/LOG.md).
  const play = [...["selfPlay.rounds=2", "selfPlay.tasks=800", "selfPlay.heldOut.test=300"]];
  const all = [...base, ...size, ...play, ...assignments];
  const config = resolveConfig({ recipe: "pocket" }, all, "experiment");
  if (config.recipe !== "pocket") throw new Error("the solver experiments run in the pocket domain");
  return config;
}

/** Makes the run if the folder is not there; reads its checkpoints otherwise. */
export async function openBase(
  folder: string,
  em: string,
  config: PocketConfig,
  screen: ReturnType<typeof display>,
): Promise<Base> {
  if (!(await exists(join(folder, em, "em"))) && em === "checkpoints") await makeBase(folder, config, screen);
  const rounds = (await readdir(join(folder, em, "em"))).filter((name) => name.startsWith("round-"));
  const last = rounds.sort((a, b) => Number(a.slice(6)) - Number(b.slice(6))).at(-1);
  const at = (...parts: string[]) => openCheckpoint(join(folder, ...parts));
  const q = await at("checkpoints", "coldstart", "q");
  const engine = embedded({ threads: config.engine.threads });
  return {
    ...{ folder, engine, q },
    tokenizer: readTokenizer(await readTokenizerFiles(q.path), q.path),
    p: { cold: await at("checkpoints", "coldstart", "p"), em: await at(em, "em", last ?? "", "p") },
    close: () => engine.close(),
  };
}

async function makeBase(folder: string, config: PocketConfig, screen: ReturnType<typeof display>): Promise<void> {
  process.stderr.write(`base → ${folder}\n`);
  const session = await openSession({ folder, config, inputs: [], onEvent: screen.onEvent });
  const cast = compose(session, config);
  const ready = await prepare(session, config, await pocketMaterial(session, config), cast);
  await session.act("expectation–maximisation", () => em(session.context, emInput(config, ready)));
  await cast.close();
  await session.close("done");
}

/** Seeds of the base run, as its own journal has them. */
export const seedsJournal = { journal: "seeds", schema: PocketSeed, version: 1 };

/** Chance of the experiment: apart for tuning and for the report, so that no setting is chosen on what is reported. */
export const chance = (seed: number, tune: boolean) => rng(`${tune ? "tuning" : "reporting"}-${seed}`);

/** As many rows as are asked for, the same ones over and over: what an arm reads that is given nothing new. */
export const readAgain = (rows: readonly TrainRow[], count: number): TrainRow[] =>
  Array.from({ length: count }, (_, i) => rows[i % rows.length] as TrainRow);
