/** Rows that `promptcot grade` reads, from a file or from whoever asks its service, and how they become work for the graders. */
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import { type ProgramToGrade, type ProgramVerdict, parseTests } from "../domains/code/index.ts";
import type { Row } from "../rows/row.ts";
import { numberOption } from "./curating.ts";

const Id = z.union([z.string(), z.number()]).transform(String);
const Answer = z.union([z.string(), z.number()]).transform(String);
export const MathRow = z.object({ id: Id, gold: Answer, response: z.string() });

export const CodeRow = z
  .object({
    id: Id,
    code: z.string().optional(),
    response: z.string().optional(),
    tests: z.array(z.json()),
    fnName: z.string().optional(),
    checker: z.string().optional(),
  })
  .refine(
    ({ code, response }) => (code === undefined) !== (response === undefined),
    "give exactly one of code and response",
  )
  .superRefine(({ tests, fnName }, context) => {
    try {
      parseTests(tests, fnName);
    } catch (error) {
      if (!(error instanceof PromptCotError)) throw error;
      context.addIssue({ code: "custom", path: ["tests"], message: `${error.message}; ${error.next}` });
    }
  });
export type CodeRow = z.output<typeof CodeRow>;

/** The limits of one test, from options in seconds and mebibytes. */
export function limitsFrom({ time, memory }: { time: string; memory: string }): NonNullable<ProgramToGrade["limits"]> {
  const seconds = numberOption("--time", time, { min: 0.001, max: 3600 });
  const mebibytes = numberOption("--memory", memory, { min: 32, max: 1 << 20, integer: true });
  // A program that sleeps is stopped too: two and a half times its CPU time, as the library's own defaults have it.
  return { cpuMs: Math.round(1000 * seconds), wallMs: Math.round(2500 * seconds), memoryBytes: mebibytes * 2 ** 20 };
}

/** A row as a program to be graded. */
export function programOf(row: CodeRow, how: Pick<ProgramToGrade, "limits" | "comparison">): ProgramToGrade {
  return { ...defined(row), tests: row.tests, ...how };
}

/** The optional fields that are there. */
function defined({ code, response, fnName, checker }: CodeRow): Partial<ProgramToGrade> {
  return {
    ...(code === undefined ? {} : { code }),
    ...(response === undefined ? {} : { response }),
    ...(fnName === undefined ? {} : { fnName }),
    ...(checker === undefined ? {} : { checker }),
  };
}

/** A verdict as a row; the program is the asker's own. */
export function verdictRow({ program: _, ...verdict }: ProgramVerdict): Row {
  return { ...verdict, tests: verdict.tests.map((test) => ({ ...test })) };
}
