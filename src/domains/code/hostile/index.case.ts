/** All hostile programs. None may escape; see `hostile.test.ts`. */
import type { Hostile } from "./hostile.ts";
import { JUDGE } from "./judge.case.ts";
import { NEIGHBOURS } from "./neighbours.case.ts";
import { PROCESSES } from "./processes.case.ts";
import { REACH } from "./reach.case.ts";
import { RESOURCES } from "./resources.case.ts";

export const HOSTILE: readonly Hostile[] = [...PROCESSES, ...NEIGHBOURS, ...RESOURCES, ...REACH, ...JUDGE];
