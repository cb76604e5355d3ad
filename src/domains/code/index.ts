/** `promptcot/code`: grades programs by their tests, safely, and makes tests for synthesized problems. No engine inside. */
import type { CallOptions } from "../../core/events.ts";
import type { Verdict } from "../../core/records.ts";
import type { Grader } from "../contract.ts";
import { gradeProgramIn, type ProgramToGrade } from "./grade.ts";
import type { Sandbox } from "./sandbox/contract.ts";
import { pool } from "./sandbox/pool.ts";
import type { ProgramVerdict } from "./verdict.ts";

export { Comparison, type ComparisonInput, difference } from "./compare.ts";
export { type Candidate, programCandidates } from "./extract.ts";
export {
  type CodeProblem,
  type DraftOptions,
  draftTests,
  type ParsedClaim,
  parseTestClaim,
  promptFor,
  type TestClaim,
  type TestDraft,
} from "./generate-tests.ts";
export {
  extractProgram,
  type GradeOptions,
  type ProgramToGrade,
} from "./grade.ts";
export { Limits, type LimitsInput } from "./limits.ts";
export { type Notation, parseValue } from "./literals.ts";
export type { End, Job, Run, RunResult, Sandbox } from "./sandbox/contract.ts";
export { type PistonOptions, piston } from "./sandbox/piston.ts";
export { type Pool, type PoolOptions, pool } from "./sandbox/pool.ts";
export { type ProbeItem, probeSandbox } from "./sandbox/probe.ts";
export { type PyodideOptions, pyodide } from "./sandbox/pyodide.ts";
export { type SandboxFusionOptions, sandboxFusion } from "./sandbox/sandboxfusion.ts";
export { type Graded, gradeStream, type StreamOptions } from "./stream.ts";
export { FunctionTest, parseTests, ScriptTest, StdinTest, Test, type TestInput } from "./tests.ts";
export {
  type Evidence,
  type RejectedTest,
  type ValidatedProblem,
  type ValidatedTest,
  type ValidationOptions,
  validateTests,
} from "./validate-tests.ts";
export { equalValues, type Value } from "./values.ts";
export type { ProgramVerdict, Reason, TestVerdict } from "./verdict.ts";

let shared: Sandbox | undefined;

/** The pool that `gradeProgram` uses when it is given no sandbox: one worker per core, started with the first job. */
export function sharedPool(): Sandbox {
  shared ??= pool();
  return shared;
}

/** Ends the shared pool's workers. A finished program need not: they do not keep it alive, and end with it. */
export async function closeSharedPool(): Promise<void> {
  const closing = shared;
  shared = undefined;
  await closing?.close();
}

/**
 * Judges one program by its tests: a verdict per test and overall, with reasons and measurements.
 * A bad program is a verdict, never an exception.
 * @throws PromptCotError for tests or limits that make no sense, or where no sandbox can be had.
 */
export function gradeProgram(
  input: ProgramToGrade,
  options: CallOptions & { sandbox?: Sandbox } = {},
): Promise<ProgramVerdict> {
  return gradeProgramIn(input, { ...options, sandbox: options.sandbox ?? sharedPool() });
}

/** What is known of a code problem: all but the response. */
export type CodeGold = Omit<ProgramToGrade, "code" | "response">;

/** The code domain's grader, in the shape that stages ask for. */
export function codeGrader(options: { sandbox?: Sandbox } = {}): Grader<CodeGold> {
  return {
    async grade(gold, response, call): Promise<Verdict> {
      const result = await gradeProgram({ ...gold, response }, { ...call, ...options });
      return {
        verdict: result.verdict,
        stage: result.program === undefined ? "extract" : "run",
        ...(result.program === undefined ? {} : { extracted: result.program }),
        reason: result.detail === "" ? result.reason : `${result.reason}: ${result.detail}`,
      };
    },
  };
}
