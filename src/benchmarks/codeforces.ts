/** Codeforces, 408 problems: scored by a rating (CodeElo, Quan et al. 2025; DeepCoder 2025), from up to 8 tries a problem. */
import type { Benchmark } from "./contract.ts";
import { PROGRAM_FIELDS, programRow } from "./program-rows.ts";
import { paperElo } from "./protocols.ts";

export const codeforces: Benchmark = {
  name: "codeforces",
  title: "Codeforces",
  domain: "code",
  about: "contest problems, scored by a Codeforces rating, 408 problems",
  source: {
    kind: "rows",
    files: ["codeforces"],
    pins: [{ content: "8431d8878f66673728ba6a7995953617", origin: "PromptCoT 2.0 repository" }],
    fields: `${PROGRAM_FIELDS}; for the rating: rating (of the problem), or contest and index together with a file of standings`,
    row: programRow,
  },
  protocol: paperElo,
};
