/** HMMT February 2025: 30 problems, answers of any form. */
import type { Benchmark } from "./contract.ts";
import { MATH_FIELDS, mathRows } from "./math-rows.ts";
import { paperMath } from "./protocols.ts";

export const hmmtFeb25: Benchmark = {
  name: "hmmt-feb-25",
  title: "HMMT Feb 25",
  domain: "math",
  about: "Harvard–MIT Mathematics Tournament, February 2025, 30 problems",
  source: {
    kind: "rows",
    files: ["hmmt-feb-25", "hmmt_feb_2025", "hmmt-feb-2025"],
    dataset: { repo: "MathArena/hmmt_feb_2025" },
    pins: [{ content: "23cbd7a06db93a3aec2ef6f38e1ab5e5", origin: "PromptCoT 2.0 repository" }],
    fields: MATH_FIELDS,
    row: mathRows(),
  },
  protocol: paperMath,
};
