/**
 * Labels for programming problems (PAPER.md §5): tests that the labeller drafts, kept only where programs of its own agree on them.
 * A wrong test would make right programs wrong, so none is believed on its word.
 */

import type { CallOptions } from "../core/events.ts";
import type { Rng } from "../core/rng.ts";
import {
  draftTests,
  programCandidates,
  type Sandbox,
  type ValidatedProblem,
  validateTests,
} from "../domains/code/index.ts";
import type { LabelSource } from "../stages/selfplay/label.ts";
import type { Label, Task } from "../stages/selfplay/records.ts";
import { attempt, type Solver } from "../stages/selfplay/solver.ts";
import type { CodeSelfPlayConfig } from "./solver-config.ts";

export function codeLabels(
  labeller: Solver,
  { labels }: CodeSelfPlayConfig,
  sandbox: Sandbox,
  random: Rng,
): LabelSource {
  return {
    kind: "tests",
    async make(tasks, call) {
      const model = await labeller.backend.open(labeller.checkpoint, call);
      try {
        const { sampler } = model;
        if (sampler === undefined) throw new Error("a labeller must sample: refuse the backend at composition");
        const programs = await solutionsOf(labeller, model, tasks, labels, random, call);
        const asked = tasks.map(({ id, problem, fnName }) => ({
          id,
          problem,
          ...(fnName === undefined ? {} : { fnName }),
        }));
        const { tests, temperature, topP, maxTokens } = labels;
        const made: Label[] = [];
        const drafting = { sampler, rng: random, tests, temperature, topP, maxTokens, ...call };
        for await (const draft of draftTests(asked, drafting)) {
          const { agreement, minTests } = labels;
          const own = programs.get(draft.problem.id) ?? [];
          const options = { sandbox, agreement, minTests, minSolutions: Math.min(3, labels.solutions), ...call };
          made.push(labelOf(await validateTests(draft, own, options)));
        }
        return made;
      } finally {
        await model.close();
      }
    },
  };
}

/** Programs of the labeller, by task: what drafted tests are validated with. */
async function solutionsOf(
  labeller: Solver,
  model: Parameters<typeof attempt>[1],
  tasks: readonly Task[],
  { solutions, temperature, topP, maxTokens }: CodeSelfPlayConfig["labels"],
  random: Rng,
  call: CallOptions,
): Promise<Map<string, string[]>> {
  const attempts = tasks.flatMap((task) =>
    Array.from({ length: solutions }, (_, index) => {
      return { task, index, seed: random.fork("solutions", task.id, index).uint32() };
    }),
  );
  const how = { count: solutions, temperature, topP, maxTokens };
  const found = new Map<string, string[]>();
  for await (const { attempt: made, result } of attempt(labeller, model, attempts, how, call)) {
    const program = result.ok ? programCandidates(labeller.spell(result))[0]?.program : undefined;
    if (program !== undefined) found.set(made.task.id, [...(found.get(made.task.id) ?? []), program]);
  }
  return found;
}

function labelOf(validated: ValidatedProblem): Label {
  const { id: taskId, fnName } = validated.problem;
  const rejected = validated.rejected.map(({ input, reason }) => ({ input, reason }));
  if (!validated.ok) return { source: "quarantine", taskId, reason: kindOf(validated.reason), rejected };
  const tests = validated.tests.map(({ input, output }) => ({ input, output }));
  const evidence = validated.tests.map((test) => ({ ...test.evidence }));
  const gold = { kind: "tests", tests, ...(fnName === undefined ? {} : { fnName }) } as const;
  return { source: "tests", taskId, gold, evidence, rejected };
}

/** Counts differ from problem to problem; the kind of reason is what is counted. */
function kindOf(reason: string): string {
  return reason.includes("candidate solutions") ? "too few candidate solutions" : "too few validated tests";
}
