/** GSM8K, the test set: 1,319 grade-school problems with integer answers (Cobbe et al. 2021). */
import type { Benchmark } from "./contract.ts";
import { MATH_FIELDS, mathRows } from "./math-rows.ts";
import { shortMath } from "./protocols.ts";

export const gsm8k: Benchmark = {
  name: "gsm8k",
  title: "GSM8K",
  domain: "math",
  about: "grade-school word problems, the 1,319 of the test set",
  source: {
    kind: "rows",
    files: ["gsm8k-test", "gsm8k"],
    dataset: { repo: "openai/gsm8k", file: "main/test" },
    pins: [{ content: "90970a666993ea0d3622feb2f87b6781", origin: "openai/grade-school-math, test" }],
    fields: `${MATH_FIELDS}; an answer may be the worked solution that ends in "#### 18"`,
    row: mathRows(afterMarks),
  },
  protocol: shortMath,
};

/** The original rows put the answer behind `####`, with commas in long numbers. */
function afterMarks(answer: string): string {
  const at = answer.lastIndexOf("####");
  return at < 0
    ? answer
    : answer
        .slice(at + 4)
        .trim()
        .replaceAll(",", "");
}
