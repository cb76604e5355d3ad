/** Which problems become tasks of self-play, and why the others do not. Schema only: what is fit is for the recipe to say. */
import { z } from "zod";
import { type JournalKind, journaled, type StageContext } from "../stage.ts";
import { Task } from "./records.ts";

export const TaskChoice = z.discriminatedUnion("kept", [
  z.strictObject({ kept: z.literal(true), task: Task }),
  z.strictObject({ kept: z.literal(false), id: z.string(), reason: z.string() }),
]);
export type TaskChoice = z.infer<typeof TaskChoice>;

export const tasksJournal: JournalKind<TaskChoice> = { journal: "selfplay/tasks", schema: TaskChoice, version: 1 };

/** Journals the choices, and returns the tasks among them. */
export async function keepTasks(context: StageContext, choices: readonly TaskChoice[]): Promise<Task[]> {
  const worker = async (shard: { items: readonly TaskChoice[] }) => shard.items;
  const shard = { items: choices, shardSize: Math.max(1, choices.length), unit: "tasks", worker };
  const records = await journaled(context, { ...tasksJournal, ...shard });
  return (await Array.fromAsync(records)).flatMap((choice) => (choice.kept ? [choice.task] : []));
}
