/** How often a run's solver was right on each of its problems: what the next round of concept sets may aim at. Reads; decides nothing. */
import { PromptCotError } from "../core/errors.ts";
import type { PlacedRow } from "../rows/row.ts";
import { difficultyOfRound } from "../stages/selfplay/round.ts";
import { recordsSoFar } from "../stages/stage.ts";
import { SELF_PLAY, taskTexts } from "./played.ts";
import { readAnyRun } from "./run-config.ts";
import { columnsOf, taskOrigins } from "./task-origins.ts";

export interface PassRate {
  /** Right attempts among those that the grader could decide. */
  passRate: number;
  /** Those that it could decide. */
  attempts: number;
  /** The round that measured it: the last one that attempted the task. */
  round: number;
}

/** task id → its rate. A task on which nothing could be decided has none. */
export async function passRates(folder: string): Promise<Map<string, PassRate>> {
  const rates = new Map<string, PassRate>();
  for (let round = 1; ; round++) {
    let tasks = 0;
    const sifted = recordsSoFar({ folder }, difficultyOfRound(`${SELF_PLAY}/round-${round}`));
    for await (const { taskId, correct, decided } of sifted) {
      tasks++;
      if (decided > 0) rates.set(taskId, { passRate: correct / decided, attempts: decided, round });
    }
    if (tasks === 0) return rates;
  }
}

/**
 * The problems that were measured, with their concepts where these are known: the rows that `sample-concepts --rates` reads.
 * @throws PromptCotError `data`: `no-run`, or `no-rates` where no self-play has measured anything
 */
export async function* measuredRows(folder: string): AsyncGenerator<PlacedRow> {
  const { manifest, config } = await readAnyRun(folder);
  const rates = await passRates(folder);
  if (rates.size === 0) {
    throw new PromptCotError({
      boundary: "data",
      code: "no-rates",
      message: `${folder} has measured no pass rates: no round of self-play has got so far`,
      next: "run self-play first (selfPlay.rounds in the config, or the recipe math-selfplay), or name a file of rates",
    });
  }
  const { byId } = await taskOrigins(folder, manifest, config);
  let line = 0;
  for (const [id, problem] of await taskTexts({ folder })) {
    const rate = rates.get(id);
    if (rate !== undefined)
      yield { file: folder, line: ++line, row: { ...columnsOf(byId.get(id)), id, problem, ...rate } };
  }
}
