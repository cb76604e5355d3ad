/** What self-play journals: tasks, labels, rollouts, verdicts, preference pairs. Schemas only. */
import { z } from "zod";
import { Verdict } from "../../core/records.ts";

/** What a response is held against: the answer of a math problem, or the tests of a programming problem. */
export const Gold = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("answer"), answer: z.string().min(1) }),
  z.strictObject({ kind: z.literal("tests"), tests: z.array(z.json()).min(1), fnName: z.string().optional() }),
]);
export type Gold = z.infer<typeof Gold>;

/** A problem to be solved, whoever wrote it. */
export const Task = z.strictObject({
  id: z.string().min(1),
  problem: z.string().min(1),
  /** Name of the function that a solution defines; without it, programs read standard input. */
  fnName: z.string().optional(),
  /** The answer or the tests that the problem came with: used as they are. */
  gold: Gold.optional(),
});
export type Task = z.infer<typeof Task>;

/** A majority vote, answer by answer. Empty answers have no vote; `generations` counts them. */
export const Ballot = z.strictObject({
  generations: z.number().int(),
  votes: z.number().int(),
  /** Votes of the first cluster less those of the second, as a share of all votes. */
  margin: z.number(),
  clusters: z.array(z.strictObject({ answer: z.string(), count: z.number().int() })),
});
export type Ballot = z.infer<typeof Ballot>;

/** What became of a task's label, with its evidence. */
export const Label = z.discriminatedUnion("source", [
  z.strictObject({ source: z.literal("given"), taskId: z.string(), gold: Gold }),
  z.strictObject({
    source: z.literal("majority"),
    taskId: z.string(),
    gold: Gold,
    ballot: Ballot,
    meanTokens: z.number(),
  }),
  z.strictObject({
    source: z.literal("tests"),
    taskId: z.string(),
    gold: Gold,
    /** What speaks for each test, in their order. */
    evidence: z.array(z.json()),
    rejected: z.array(z.strictObject({ input: z.string(), reason: z.string() })),
  }),
  z.strictObject({
    source: z.literal("quarantine"),
    taskId: z.string(),
    reason: z.string(),
    ballot: Ballot.optional(),
    rejected: z.array(z.strictObject({ input: z.string(), reason: z.string() })).optional(),
  }),
]);
export type Label = z.infer<typeof Label>;
export type GoodLabel = Exclude<Label, { source: "quarantine" }>;

/** One attempt of the solver, or why there is none. */
export const Rollout = z.discriminatedUnion("ok", [
  z.strictObject({
    ok: z.literal(true),
    id: z.string(),
    taskId: z.string(),
    index: z.number().int().nonnegative(),
    /** The whole response, thought included, special tokens left out. */
    text: z.string(),
    /** The sampled ids, end token included; absent where the backend gives none. */
    ids: z.array(z.number().int().nonnegative()).optional(),
    tokens: z.number().int(),
    /** Cut off at the token limit: it has no end token. */
    truncated: z.boolean(),
  }),
  z.strictObject({
    ok: z.literal(false),
    id: z.string(),
    taskId: z.string(),
    index: z.number().int().nonnegative(),
    reason: z.string(),
  }),
]);
export type Rollout = z.infer<typeof Rollout>;
export type GoodRollout = Extract<Rollout, { ok: true }>;

/** What the grader says of a rollout, and whether its form can be taught. */
export const Graded = z.strictObject({
  rolloutId: z.string(),
  taskId: z.string(),
  verdict: Verdict,
  /** Why the rollout fails the validity filter; null if it passes. */
  invalid: z.string().nullable(),
});
export type Graded = z.infer<typeof Graded>;

/** What became of a task in the difficulty filter. */
export const Sifted = z.strictObject({
  taskId: z.string(),
  correct: z.number().int(),
  decided: z.number().int(),
  unknown: z.number().int(),
  /** Why no pair is made of it; null if it stays. */
  dropped: z.string().nullable(),
});
export type Sifted = z.infer<typeof Sifted>;

/** A right and a wrong rollout of one task. */
export const PreferencePair = z.strictObject({
  id: z.string(),
  taskId: z.string(),
  chosen: z.string(),
  rejected: z.string(),
});
export type PreferencePair = z.infer<typeof PreferencePair>;
