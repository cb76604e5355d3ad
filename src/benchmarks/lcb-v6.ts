/** LiveCodeBench v6 (Jain et al. 2024), the window of the paper: 131 problems from February to May 2025. */
import type { Benchmark } from "./contract.ts";
import { PROGRAM_FIELDS, programRow } from "./program-rows.ts";
import { paperPrograms } from "./protocols.ts";

export const lcbV6: Benchmark = {
  name: "lcb-v6",
  title: "LiveCodeBench v6",
  domain: "code",
  about: "contest problems, February to May 2025, 131 problems",
  source: {
    kind: "rows",
    files: ["lcb-v6", "livecodebench-v6"],
    pins: [],
    fields: PROGRAM_FIELDS,
    row: programRow,
  },
  protocol: paperPrograms,
};
