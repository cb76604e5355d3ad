/** Rows of programming benchmarks: a statement and the tests that a program must pass. */
import { z } from "zod";
import type { BenchmarkTask } from "./contract.ts";

export const PROGRAM_FIELDS =
  "prompt (or problem, or question), and tests: a list of {input, output}, or of tests with a kind; for function tests fnName, and starter, the code to be completed";

const Text = z.string().min(1);
const Id = z.union([z.string(), z.number()]).transform(String);

export const programRow: z.ZodType<Omit<BenchmarkTask, "id"> & { id?: string | undefined }> = z
  .object({
    id: Id.optional(),
    prompt: Text.optional(),
    problem: Text.optional(),
    question: Text.optional(),
    tests: z.array(z.json()).min(1),
    fnName: Text.optional(),
    starter: Text.optional(),
    /** A Python program with `check(input, output, expected)`, for problems with many right answers. */
    checker: Text.optional(),
    rating: z.number().optional(),
    contest: Id.optional(),
    index: Text.optional(),
  })
  .transform((row, context) => {
    const problem = row.prompt ?? row.problem ?? row.question;
    if (problem === undefined) {
      context.addIssue({ code: "custom", path: ["prompt"], message: "missing; string is needed" });
      return z.NEVER;
    }
    const { tests, fnName, checker, rating, contest, index } = row;
    return {
      id: row.id,
      question: { kind: "program" as const, problem, starter: row.starter },
      gold: { domain: "code" as const, tests, fnName, checker },
      effort: 100 * (rating ?? 0) + problem.length,
      rating,
      contest: contest === undefined || index === undefined ? undefined : { id: contest, index },
    };
  });
