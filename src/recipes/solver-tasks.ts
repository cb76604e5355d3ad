/** A user's problems as tasks: read, checked, journaled with what was refused. Solves nothing. */
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import { parseRows } from "../rows/parse.ts";
import { readRows } from "../rows/read.ts";
import type { Reject } from "../rows/row.ts";
import type { Gold, Task } from "../stages/selfplay/records.ts";
import { keepTasks, type TaskChoice } from "../stages/selfplay/tasks.ts";
import type { StageContext } from "../stages/stage.ts";
import type { SolverConfig } from "./solver-config.ts";

/** What is read of a row; columns of other names are left alone. */
export const TaskRow = z.object({
  id: z.string().min(1),
  problem: z.string().min(1),
  answer: z.string().min(1).optional(),
  tests: z.array(z.json()).optional(),
  fnName: z.string().min(1).optional(),
});

type Recipe = SolverConfig["recipe"];

/** What the recipe's grader holds responses against. */
function goldKind(recipe: Recipe): Gold["kind"] {
  switch (recipe) {
    case "code-selfplay":
      return "tests";
    case "math-selfplay":
    case "math-sft":
      return "answer";
    default:
      return recipe satisfies never;
  }
}

/**
 * The config's problems as tasks, with answers or with tests as the recipe grades; a row that has only the other counts as unlabelled.
 * Malformed rows are journaled with file, line and reason. @throws PromptCotError if the config is strict
 */
export async function readTasks(
  context: StageContext,
  { recipe, problems: { file, strict } }: Pick<SolverConfig, "recipe" | "problems">,
): Promise<Task[]> {
  const { tasks, rejects, unused } = await readAll(context, recipe, file, strict);
  const choices = [
    ...tasks.map((task): TaskChoice => ({ kept: true, task })),
    ...rejects.map(
      ({ line, field, reason }): TaskChoice => ({
        ...{ kept: false, id: `${file}:${line}` },
        reason: field === "" ? reason : `${field}: ${reason}`,
      }),
    ),
  ];
  if (rejects.length > 0) {
    const message = `put aside ${rejects.length} rows of ${file} (journal selfplay/tasks); the first: line ${rejects[0]?.line}: ${rejects[0]?.reason}`;
    context.onEvent?.({ kind: "note", message });
  }
  if (unused > 0) {
    const [has, needs] = goldKind(recipe) === "tests" ? ["an answer", "tests"] : ["tests", "an answer"];
    const message = `${unused} rows of ${file} bring ${has} and not ${needs}, by which ${recipe} grades: they count as unlabelled`;
    context.onEvent?.({ kind: "note", message });
  }
  return keepTasks(context, choices);
}

/** Problems with a known answer or tests, for held-out scores; a row without what the recipe grades by is refused. */
export async function readHeldOut(context: StageContext, recipe: Recipe, file: string): Promise<Task[]> {
  const { tasks } = await readAll(context, recipe, file, true);
  const open = tasks.filter(({ gold }) => gold === undefined);
  if (open.length > 0) {
    const needed = goldKind(recipe) === "tests" ? "tests" : "answer";
    throw new PromptCotError({
      ...{ boundary: "data", code: "no-gold" },
      message: `${file}: ${open.length} held-out problems have no ${needed}, ${open[0]?.id} first`,
      next: `give each row its ${needed}, or set heldOut to null`,
    });
  }
  return tasks;
}

async function readAll({ signal }: StageContext, recipe: Recipe, file: string, strict: boolean) {
  const tasks: Task[] = [];
  const rejects: Reject[] = [];
  let unused = 0;
  const options = { strict, onReject: (reject: Reject) => rejects.push(reject), signal };
  for await (const { value } of parseRows(readRows(file, options), TaskRow, { ...options, idOf: ({ id }) => id })) {
    const task = taskOf(value, goldKind(recipe));
    if (task.gold === undefined && (value.answer !== undefined || (value.tests ?? []).length > 0)) unused++;
    tasks.push(task);
  }
  return { tasks, rejects, unused };
}

function taskOf({ id, problem, answer, tests = [], fnName }: z.infer<typeof TaskRow>, kind: Gold["kind"]): Task {
  const named = fnName === undefined ? {} : { fnName };
  const task = { id, problem, ...named };
  switch (kind) {
    case "tests":
      return tests.length === 0 ? task : { ...task, gold: { kind, tests, ...named } };
    case "answer":
      return answer === undefined ? task : { ...task, gold: { kind, answer } };
    default:
      return kind satisfies never;
  }
}
