/** What `math-selfplay` and `code-selfplay` share once labels are there: the rounds, and how a config spells them. */
import type { Grader } from "../domains/contract.ts";
import type { LabelSource } from "../stages/selfplay/label.ts";
import { label } from "../stages/selfplay/label.ts";
import type { Gold, Task } from "../stages/selfplay/records.ts";
import { type SelfPlayOutcome, selfPlay } from "../stages/selfplay/round.ts";
import type { Cast } from "./backends.ts";
import { labelled } from "./pocket-selfplay.ts";
import type { Session } from "./session.ts";
import type { CodeSelfPlayConfig, MathSelfPlayConfig } from "./solver-config.ts";
import type { Trainee } from "./solver-parties.ts";
import { readHeldOut } from "./solver-tasks.ts";
import { trainingOf } from "./training.ts";

export interface Play {
  tasks: readonly Task[];
  labels: LabelSource;
  /** Least margin of a vote, for the cap on pairs. */
  leastMargin: number;
  trainee: Trainee;
  parts: NonNullable<Cast["solver"]>;
  grader: Grader<Gold>;
  extract: (response: string) => string | undefined;
}

export async function play(
  session: Session,
  config: MathSelfPlayConfig | CodeSelfPlayConfig,
  { tasks, labels: source, leastMargin, trainee, parts, grader, extract }: Play,
): Promise<SelfPlayOutcome> {
  const { context } = session;
  const { selfPlay: settings, heldOut, together, shardSize } = config;
  const labels = await session.act("labels", () =>
    label(context, { name: "selfplay", tasks, source, together, shardSize }),
  );
  const held = heldOut === null ? [] : await readHeldOut(context, config.recipe, heldOut.file);
  const { pairs, leastRise, training: _, ...rest } = settings;
  return session.act("self-play", () =>
    selfPlay(context, {
      ...{ name: "selfplay", solver: trainee.solver, tasks: labelled(tasks, labels), grader, extract },
      training: trainingOf(parts, settings),
      heldOut: { tasks: held, attempts: heldOut?.attempts ?? settings.attempts, grader, together, shardSize },
      settings: {
        ...{ ...rest, together, shardSize },
        pairs: { ...pairs, majorityCap: { ...pairs.majorityCap, leastMargin } },
        budget: { rolloutTokens: Number.MAX_SAFE_INTEGER, pairs: Number.MAX_SAFE_INTEGER },
        // Without held-out problems there is nothing that could rise.
        leastRise: held.length === 0 ? -1 : leastRise,
      },
    }),
  );
}
