/** Rows of math benchmarks: a problem and its answer, under the names that published sets use. */
import { z } from "zod";
import type { BenchmarkTask } from "./contract.ts";

export const MATH_FIELDS =
  "problem (or question), and answer (a text or a number; or a solution with the answer in \\boxed{})";

const Text = z.string().min(1);
const Id = z.union([z.string(), z.number()]).transform(String);

/** @param answer reads the answer field, where it holds more than the answer */
export function mathRows(
  answer: (text: string) => string = (text) => text,
): z.ZodType<Omit<BenchmarkTask, "id"> & { id?: string | undefined }> {
  return z
    .object({
      id: Id.optional(),
      problem: Text.optional(),
      question: Text.optional(),
      answer: z.union([Text, z.number()]).optional(),
      solution: z.string().optional(),
      level: z.union([z.string(), z.number()]).optional(),
    })
    .transform((row, context) => {
      const problem = row.problem ?? row.question;
      const found = row.answer === undefined ? lastBoxed(row.solution ?? "") : answer(String(row.answer));
      if (problem === undefined)
        context.addIssue({ code: "custom", path: ["problem"], message: "missing; string is needed" });
      if (found === undefined)
        context.addIssue({ code: "custom", path: ["answer"], message: "missing; string is needed" });
      if (problem === undefined || found === undefined) return z.NEVER;
      const level = Number(/\d/.exec(String(row.level ?? ""))?.[0] ?? 0);
      return {
        id: row.id,
        question: { kind: "math" as const, problem },
        gold: { domain: "math" as const, answer: found },
        effort: 10_000 * level + problem.length,
      };
    });
}

/** The content of the last `\boxed{…}`, braces counted. */
function lastBoxed(solution: string): string | undefined {
  const start = solution.lastIndexOf("\\boxed{");
  if (start < 0) return undefined;
  let depth = 0;
  for (let at = start + "\\boxed".length; at < solution.length; at++) {
    if (solution[at] === "{") depth++;
    if (solution[at] === "}" && --depth === 0) return solution.slice(start + "\\boxed{".length, at);
  }
  return undefined;
}
