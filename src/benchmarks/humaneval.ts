/** HumanEval (Chen et al. 2021): 164 Python functions to be completed, each with a test program. */
import { z } from "zod";
import type { Benchmark } from "./contract.ts";
import { shortPrograms } from "./protocols.ts";

const Text = z.string().min(1);

export const humaneval: Benchmark = {
  name: "humaneval",
  title: "HumanEval",
  domain: "code",
  about: "Python functions to be completed, 164 problems",
  source: {
    kind: "rows",
    files: ["humaneval", "HumanEval"],
    dataset: { repo: "openai/openai_humaneval" },
    pins: [{ content: "87dabcd85cd991adc6e2b4c070addaea", origin: "openai/human-eval" }],
    fields: "task_id, prompt (the head of the function), entry_point, test (a program with check(candidate))",
    row: z
      .object({ task_id: Text, prompt: Text, entry_point: Text, test: Text })
      .transform(({ task_id, prompt, entry_point, test }) => ({
        id: task_id,
        question: { kind: "function" as const, head: prompt },
        gold: { domain: "code" as const, tests: [{ kind: "script", script: `${test}\n\ncheck(${entry_point})\n` }] },
        effort: prompt.length,
      })),
  },
  protocol: shortPrograms,
};
