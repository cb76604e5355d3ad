/** LiveCodeBench v5 (Jain et al. 2024), the window of the paper: 279 problems from August 2024 to February 2025. */
import type { Benchmark } from "./contract.ts";
import { PROGRAM_FIELDS, programRow } from "./program-rows.ts";
import { paperPrograms } from "./protocols.ts";

export const lcbV5: Benchmark = {
  name: "lcb-v5",
  title: "LiveCodeBench v5",
  domain: "code",
  about: "contest problems, August 2024 to February 2025, 279 problems",
  source: {
    kind: "rows",
    files: ["lcb-v5", "livecodebench-v5"],
    pins: [],
    fields: PROGRAM_FIELDS,
    row: programRow,
  },
  protocol: paperPrograms,
};
