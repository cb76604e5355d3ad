/** A user's problems as tasks: read, checked, journaled with what was refused. Solves nothing. */
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import { parseRows } from "../rows/parse.ts";
import { readRows } from "../rows/read.ts";
import type { Reject } from "../rows/row.ts";
import type { Task } from "../stages/selfplay/records.ts";
import { keepTasks, type TaskChoice } from "../stages/selfplay/tasks.ts";
import type { StageContext } from "../stages/stage.ts";

/** What is read of a row; columns of other names are left alone. Tests win over an answer where a row has both. */
export const TaskRow = z.object({
  id: z.string().min(1),
  problem: z.string().min(1),
  answer: z.string().min(1).optional(),
  tests: z.array(z.json()).optional(),
  fnName: z.string().min(1).optional(),
});

/** The problems of the file as tasks; malformed rows are journaled with file, line and reason. @throws PromptCotError if `strict` */
export async function readTasks(context: StageContext, file: string, strict: boolean): Promise<Task[]> {
  const { tasks, rejects } = await readAll(context, file, strict);
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
  return keepTasks(context, choices);
}

/** Problems with a known answer or tests, for held-out scores; a row without either is refused. */
export async function readHeldOut(context: StageContext, file: string): Promise<Task[]> {
  const { tasks } = await readAll(context, file, true);
  const open = tasks.filter(({ gold }) => gold === undefined);
  if (open.length > 0) {
    throw new PromptCotError({
      ...{ boundary: "data", code: "no-gold" },
      message: `${file}: ${open.length} held-out problems have neither answer nor tests, ${open[0]?.id} first`,
      next: "give each row an answer or tests, or set heldOut to null",
    });
  }
  return tasks;
}

async function readAll({ signal }: StageContext, file: string, strict: boolean) {
  const tasks: Task[] = [];
  const rejects: Reject[] = [];
  const options = { strict, onReject: (reject: Reject) => rejects.push(reject), signal };
  for await (const { value } of parseRows(readRows(file, options), TaskRow, { ...options, idOf: ({ id }) => id })) {
    tasks.push(taskOf(value));
  }
  return { tasks, rejects };
}

function taskOf({ id, problem, answer, tests, fnName }: z.infer<typeof TaskRow>): Task {
  const named = fnName === undefined ? {} : { fnName };
  if (tests !== undefined && tests.length > 0)
    return { id, problem, ...named, gold: { kind: "tests", tests, ...named } };
  return { id, problem, ...named, ...(answer === undefined ? {} : { gold: { kind: "answer", answer } }) };
}
