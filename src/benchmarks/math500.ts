/** MATH500: 500 problems of the MATH test set (Hendrycks et al. 2021), chosen by Lightman et al. (2023). */
import type { Benchmark } from "./contract.ts";
import { MATH_FIELDS, mathRows } from "./math-rows.ts";
import { shortMath } from "./protocols.ts";

export const math500: Benchmark = {
  name: "math500",
  title: "MATH500",
  domain: "math",
  about: "500 problems of the MATH test set",
  source: {
    kind: "rows",
    files: ["math500", "math-500", "MATH-500"],
    dataset: { repo: "HuggingFaceH4/MATH-500" },
    pins: [{ content: "969aa51065cb8c6f09625ebb217cfd8e", origin: "MATH, as in the PromptCoT 1.0 repository" }],
    fields: MATH_FIELDS,
    row: mathRows(),
  },
  protocol: shortMath,
};
