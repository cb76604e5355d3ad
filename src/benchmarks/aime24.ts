/** AIME 2024, I and II: 30 problems whose answers are integers from 0 to 999. */
import type { Benchmark } from "./contract.ts";
import { MATH_FIELDS, mathRows } from "./math-rows.ts";
import { paperMath } from "./protocols.ts";

export const aime24: Benchmark = {
  name: "aime24",
  title: "AIME 24",
  domain: "math",
  about: "American Invitational Mathematics Examination 2024, 30 problems",
  source: {
    kind: "rows",
    files: ["aime24", "aime_2024", "aime-2024"],
    dataset: { repo: "HuggingFaceH4/aime_2024" },
    pins: [{ content: "94f13e4b6ef1bf341a0df89c885e83f2", origin: "PromptCoT 2.0 repository" }],
    fields: MATH_FIELDS,
    row: mathRows(),
  },
  protocol: paperMath,
};
