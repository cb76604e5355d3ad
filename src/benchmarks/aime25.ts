/** AIME 2025, I and II: 30 problems whose answers are integers from 0 to 999. */
import type { Benchmark } from "./contract.ts";
import { MATH_FIELDS, mathRows } from "./math-rows.ts";
import { paperMath } from "./protocols.ts";

export const aime25: Benchmark = {
  name: "aime25",
  title: "AIME 25",
  domain: "math",
  about: "American Invitational Mathematics Examination 2025, 30 problems",
  source: {
    kind: "rows",
    files: ["aime25", "aime_2025", "aime-2025"],
    dataset: { repo: "MathArena/aime_2025" },
    pins: [{ content: "fd6fab189e1289d6d16df6fc103cec54", origin: "PromptCoT 2.0 repository" }],
    fields: MATH_FIELDS,
    row: mathRows(),
  },
  protocol: paperMath,
};
