/**
 * SFT on a teacher's traces (PAPER.md §5): one or more per task, in one spelling, kept only where an answer can be extracted, and,
 * if asked for, only where it agrees with the label; bounded in tokens of the student's own tokenizer. Every reject has its reason.
 * Packing is the trainer's.
 */
import { z } from "zod";
import { Stopped } from "../core/errors.ts";
import type { Grader } from "../domains/contract.ts";
import type { Checkpoint, TokenIds, Trainer, TrainRow } from "../lm/contract.ts";
import type { Fit } from "./em/m-step.ts";
import type { TrainingRecord } from "./em/records.ts";
import { invalidity, type Validity } from "./selfplay/filter.ts";
import type { Gold, Rollout, Task } from "./selfplay/records.ts";
import { rollOut } from "./selfplay/rollout.ts";
import type { Attempts, Solver } from "./selfplay/solver.ts";
import { type JournalKind, journaled, type StageContext, trained } from "./stage.ts";

/** A teacher's trace: taught, or rejected with the reason. */
export const Trace = z.discriminatedUnion("kept", [
  z.strictObject({
    kept: z.literal(true),
    id: z.string(),
    taskId: z.string(),
    text: z.string(),
    /** Tokens of prompt, trace and end, as the student reads them. */
    tokens: z.number().int(),
  }),
  z.strictObject({ kept: z.literal(false), id: z.string(), taskId: z.string(), reason: z.string(), text: z.string() }),
]);
export type Trace = z.infer<typeof Trace>;

export const tracesJournal = (name: string): JournalKind<Trace> => ({
  journal: `${name}/traces`,
  schema: Trace,
  version: 1,
});

/** How the student reads a task and a trace. */
export interface Student {
  checkpoint: Checkpoint;
  trainer: Trainer;
  fit: Fit;
  prompt(task: Task): TokenIds;
  /** A trace with its end token. */
  completion(text: string): TokenIds;
}

export interface TraceRules {
  extract: (response: string) => string | undefined;
  validity: Validity;
  /** Bounds on prompt and trace together, in tokens of the student's tokenizer. */
  leastTokens: number;
  mostTokens: number;
  /** Whether a trace must agree with its task's gold; a task without one then loses its traces. */
  agree: { grader: Grader<Gold> } | null;
}

export interface DistillStage {
  /** Journals and the checkpoint go under this name: `distill`. */
  name: string;
  tasks: readonly Task[];
  teacher: Solver;
  attempts: Attempts;
  student: Student;
  rules: TraceRules;
  /** Rows taught besides: the student's own worked solutions, say. */
  beside: readonly TrainRow[];
  /** Requests to the teacher at once; see `RolloutStage`. */
  together: number;
  /** Traces per commit. */
  shardSize: number;
}

export interface Distilled {
  checkpoint: Checkpoint;
  record: TrainingRecord;
  traces: readonly Trace[];
}

export async function distill(context: StageContext, stage: DistillStage): Promise<Distilled> {
  const { name, student, teacher, tasks, attempts, together } = stage;
  const byId = new Map(tasks.map((task) => [task.id, task]));
  const answers = await rollOut(context, {
    ...{ name: `${name}/teacher`, solver: teacher, tasks, attempts, chance: "teacher", together },
    expected: (taskId) => byId.get(taskId)?.problem.length ?? 0,
  });
  const traces = await keepTraces(context, stage, answers);
  const rows = traces.flatMap((trace) => (trace.kept ? [rowOf(student, byId.get(trace.taskId) as Task, trace)] : []));
  tellRejects(context, traces);
  if (rows.length + stage.beside.length === 0) throw nothingToTeach(traces);
  const { checkpoint, record } = await trained(context, {
    name,
    trainer: student.trainer,
    job: {
      kind: "sft",
      job: {
        ...{ from: student.checkpoint, rows: [...rows, ...stage.beside], ...student.fit },
        seed: context.rng.fork(name, "order").uint32(),
      },
    },
  });
  return { checkpoint, record, traces };
}

/** Keeps or rejects each answer of the teacher. Of equal traces to one task the first is kept. */
export async function keepTraces(
  context: StageContext,
  stage: Pick<DistillStage, "name" | "tasks" | "rules" | "student" | "shardSize">,
  answers: readonly Rollout[],
): Promise<Trace[]> {
  const tasks = new Map(stage.tasks.map((task) => [task.id, task]));
  const first = new Map<string, string>();
  for (const answer of answers) {
    const key = answer.ok ? `${answer.taskId} ${answer.text}` : answer.id;
    if (!first.has(key)) first.set(key, answer.id);
  }
  const isFirst = (answer: Rollout & { ok: true }) => first.get(`${answer.taskId} ${answer.text}`) === answer.id;
  const records = await journaled(context, {
    ...tracesJournal(stage.name),
    items: answers,
    shardSize: stage.shardSize,
    unit: "traces",
    worker: (shard, call) =>
      Promise.all(
        shard.items.map(async (answer): Promise<Trace> => {
          const { id, taskId } = answer;
          const task = tasks.get(taskId);
          if (task === undefined) throw new Error(`trace ${id} answers no task`);
          if (!answer.ok) return { kept: false, id, taskId, reason: `no answer: ${answer.reason}`, text: "" };
          const { text } = answer;
          const tokens = stage.student.prompt(task).length + stage.student.completion(text).length;
          const reason = isFirst(answer) ? await objection(answer, task, tokens, stage.rules, call) : "a duplicate";
          return reason === null ? { kept: true, id, taskId, text, tokens } : { kept: false, id, taskId, reason, text };
        }),
      ),
  });
  return Array.fromAsync(records);
}

/** Why a trace is not taught, or null. */
async function objection(
  { text, truncated }: Rollout & { ok: true },
  task: Task,
  tokens: number,
  { extract, validity, leastTokens, mostTokens, agree }: TraceRules,
  call: Parameters<Grader<Gold>["grade"]>[2],
): Promise<string | null> {
  if (truncated) return "cut off at the token limit";
  const invalid = invalidity(text, validity, extract);
  if (invalid !== null) return invalid;
  if (tokens < leastTokens) return `fewer than ${leastTokens} tokens`;
  if (tokens > mostTokens) return `more than ${mostTokens} tokens`;
  if (agree === null) return null;
  if (task.gold === undefined) return "no label to agree with";
  const { verdict } = await agree.grader.grade(task.gold, text, call);
  if (verdict === "correct") return null;
  return verdict === "wrong" ? "disagrees with the label" : "the grader cannot tell whether it agrees with the label";
}

function rowOf(student: Student, task: Task, trace: Trace & { kept: true }): TrainRow {
  const [prompt, completion] = [student.prompt(task), student.completion(trace.text)];
  const targets = new Uint8Array(prompt.length + completion.length).fill(1, prompt.length);
  return { id: trace.id, ids: [...prompt, ...completion], targets, weight: 1 };
}

/** The reasons of the rejects, the most frequent first; empty where all were kept. */
function rejectsOf(traces: readonly Trace[]): string {
  const reasons = new Map<string, number>();
  for (const trace of traces) if (!trace.kept) reasons.set(trace.reason, (reasons.get(trace.reason) ?? 0) + 1);
  const list = [...reasons].sort((a, b) => b[1] - a[1]).map(([reason, count]) => `${count} ${reason}`);
  const rejected = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  return rejected === 0 ? "" : `rejected ${rejected} of ${traces.length} traces: ${list.join("; ")}`;
}

function tellRejects(context: StageContext, traces: readonly Trace[]): void {
  const message = rejectsOf(traces);
  if (message !== "") context.onEvent?.({ kind: "note", message });
}

function nothingToTeach(traces: readonly Trace[]): Stopped {
  const why = traces.length === 0 ? "there are no problems" : rejectsOf(traces);
  return new Stopped({
    reason: "alarm",
    message: `no trace can be taught: ${why}`,
    next: "mend what the reasons name and start a new run; traces.thought: none takes a teacher that writes no thought",
  });
}
