/**
 * Judges a program by its tests: runs them in a sandbox, has the results compared (verdict.ts), confirms every failure in a process of its own.
 * Expected outputs never enter the sandbox (but for a checker, which is the user's own program).
 */
import { PromptCotError, throwIfStopped } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import { Comparison, type ComparisonInput } from "./compare.ts";
import { programCandidates } from "./extract.ts";
import { type Limits, type LimitsInput, parseLimits } from "./limits.ts";
import type { Run, RunResult, Sandbox } from "./sandbox/contract.ts";
import { acceptedOf, parseTests, type Test } from "./tests.ts";
import {
  checkerSays,
  notRun,
  type ProgramVerdict,
  summarize,
  type TestVerdict,
  verdictOf,
  withoutTests,
} from "./verdict.ts";

export interface ProgramToGrade {
  /** The program itself. Exactly one of `code` and `response` is given. */
  code?: string;
  /** A model's response, thought and fences included. */
  response?: string;
  /** Tests with a `kind`, or rows `{input, output}`. */
  tests: readonly unknown[];
  /** Makes rows without `kind` into function tests. */
  fnName?: string;
  limits?: LimitsInput;
  comparison?: ComparisonInput;
  /**
   * A Python program with `check(input, output, expected) -> bool`, for problems with many right answers. Runs after
   * and apart from the program under test, in the same kind of sandbox; asked only where the program ran to its end.
   */
  checker?: string;
  /** Stop at the first failure, which settles the verdict. Later tests are `not run`. */
  stopOnFailure?: boolean;
}

export interface GradeOptions extends CallOptions {
  sandbox: Sandbox;
}

/** With `stopOnFailure`, so many tests are run before looking: failures come early. */
const FIRST_CHUNKS = [4, 16, 64];

/**
 * Judges one program. A bad program is a verdict, never an exception.
 * @throws PromptCotError `bad-test`, `bad-limits`, `bad-program-row`, or of the sandbox; `Stopped` when the signal fires.
 */
export async function gradeProgramIn(input: ProgramToGrade, options: GradeOptions): Promise<ProgramVerdict> {
  const tests = parseTests(input.tests, input.fnName);
  const context: Context = {
    limits: parseLimits(input.limits),
    comparison: parseComparison(input.comparison),
    checker: input.checker,
    options,
  };
  const program = await findProgram(input, context);
  if (program === undefined) return withoutTests("wrong", "no program", "no program was found in the response");
  if (tests.length === 0) return { ...withoutTests("unknown", "no tests", "there are no tests"), program };
  const verdicts = await gradeTests(program, tests, input.stopOnFailure ?? false, context);
  return summarize(program, verdicts);
}

interface Context {
  limits: Limits;
  comparison: Comparison;
  checker: string | undefined;
  options: GradeOptions;
}

function parseComparison(input: ComparisonInput | undefined): Comparison {
  const parsed = Comparison.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  throw new PromptCotError({
    boundary: "config",
    code: "bad-comparison",
    message: `comparison of the code grader: ${parsed.error.issues.map((issue) => issue.message).join("; ")}`,
    next: "give { mode, tolerance: { absolute, relative }, ignoreCase }",
  });
}

async function findProgram(input: ProgramToGrade, context: Context): Promise<string | undefined> {
  if ((input.code === undefined) === (input.response === undefined)) {
    throw new PromptCotError({
      boundary: "data",
      code: "bad-program-row",
      message: "a program to grade is given either as `code` or as `response`, and not as both",
      next: "give one of the two",
    });
  }
  if (input.code !== undefined) return input.code;
  return extractProgram(input.response ?? "", context.options);
}

/**
 * The program in a response: the last fence tagged as Python, else the last candidate that parses as a program.
 * Parsing is Python's own, in the sandbox.
 */
export async function extractProgram(response: string, options: GradeOptions): Promise<string | undefined> {
  const candidates = programCandidates(response);
  for (const candidate of candidates) {
    if (candidate.source === "tagged") return candidate.program;
    const job = {
      program: candidate.program,
      prelude: false,
      limits: parseLimits({}),
      runs: [{ kind: "parse" }],
    } as const;
    const [result] = await options.sandbox.run(job, options);
    if (result?.value === "1") return candidate.program;
  }
  // Nothing parses. What was meant as Python is still the answer, and will be a compile error.
  return candidates.find((candidate) => candidate.source === "open-tagged")?.program;
}

async function gradeTests(
  program: string,
  tests: readonly Test[],
  stopOnFailure: boolean,
  context: Context,
): Promise<TestVerdict[]> {
  const verdicts: TestVerdict[] = [];
  for (let chunk = 0; verdicts.length < tests.length; chunk++) {
    throwIfStopped(context.options.signal);
    const size = stopOnFailure ? (FIRST_CHUNKS[chunk] ?? tests.length) : tests.length;
    const part = tests.slice(verdicts.length, verdicts.length + size);
    verdicts.push(...(await gradeChunk(program, part, stopOnFailure, context)));
    if (stopOnFailure && verdicts.some((verdict) => verdict.verdict === "wrong")) break;
  }
  while (verdicts.length < tests.length) verdicts.push(notRun());
  return verdicts;
}

/** Tests of one chunk: all in as few processes as the sandbox likes, then each failure again on its own. */
async function gradeChunk(
  program: string,
  tests: readonly Test[],
  stopOnFailure: boolean,
  context: Context,
): Promise<TestVerdict[]> {
  const results = await runTests(program, tests, false, context);
  let verdicts = await judge(tests, results, context);
  for (const [index, test] of tests.entries()) {
    const verdict = verdicts[index];
    if (verdict === undefined || verdict.verdict === "correct" || results[index]?.fresh !== false) continue;
    const again = await runTests(program, [test], true, context);
    const [confirmed] = await judge([test], again, context);
    if (confirmed === undefined) continue;
    verdicts = verdicts.with(index, confirmed);
    if (stopOnFailure && confirmed.verdict === "wrong") {
      return [...verdicts.slice(0, index + 1), ...verdicts.slice(index + 1).map(unlessCorrect)];
    }
  }
  return verdicts;
}

function unlessCorrect(verdict: TestVerdict): TestVerdict {
  return verdict.verdict === "correct" ? verdict : notRun();
}

/** Results in the order of `tests`; function tests, which get a prelude, go in a job of their own. */
async function runTests(
  program: string,
  tests: readonly Test[],
  alone: boolean,
  context: Context,
): Promise<RunResult[]> {
  const { sandbox, signal, onEvent } = context.options;
  const results: RunResult[] = new Array(tests.length);
  for (const prelude of [false, true]) {
    const indices = tests.flatMap((test, index) => ((test.kind === "function") === prelude ? [index] : []));
    if (indices.length === 0) continue;
    const runs = indices.flatMap((index) => (tests[index] ? [runOf(tests[index])] : []));
    const job = { program, prelude, limits: context.limits, runs };
    const answers = await sandbox.run(job, { signal, onEvent, alone });
    for (const [at, index] of indices.entries()) {
      const answer = answers[at];
      if (answer === undefined)
        throw new Error(`sandbox ${sandbox.name} gave ${answers.length} of ${runs.length} results`);
      results[index] = answer;
    }
  }
  return results;
}

function runOf(test: Test): Run {
  switch (test.kind) {
    case "stdin":
      return { kind: "stdin", stdin: test.input };
    case "function":
      return { kind: "call", name: test.name, arguments: test.arguments, notation: test.notation };
    case "script":
      return { kind: "script", script: test.script };
    default:
      return test satisfies never;
  }
}

async function judge(tests: readonly Test[], results: RunResult[], context: Context): Promise<TestVerdict[]> {
  const verdicts = tests.map((test, index) => verdictOf(test, results[index] as RunResult, context.comparison));
  if (context.checker === undefined) return verdicts;
  return checkedVerdicts(context.checker, tests, results, verdicts, context);
}

/** Asks the checker about every output of a program that ran to its end. */
async function checkedVerdicts(
  checker: string,
  tests: readonly Test[],
  results: RunResult[],
  verdicts: TestVerdict[],
  context: Context,
): Promise<TestVerdict[]> {
  const asked = tests.flatMap((test, index) =>
    test.kind === "stdin" && results[index]?.end.kind === "finished" ? [{ test, index }] : [],
  );
  if (asked.length === 0) return verdicts;
  const runs = asked.map(({ test, index }): Run => {
    const texts = [test.input, results[index]?.stdout ?? "", acceptedOf(test.output)[0] ?? ""];
    return { kind: "call", name: "check", arguments: texts.map((text) => JSON.stringify(text)), notation: "json" };
  });
  const { sandbox, signal, onEvent } = context.options;
  const job = { program: checker, prelude: false, limits: parseLimits({}), runs };
  const answers = await sandbox.run(job, { signal, onEvent });
  const checked = [...verdicts];
  for (const [at, { index }] of asked.entries()) {
    const verdict = checked[index];
    const answer = answers[at];
    if (verdict !== undefined && answer !== undefined) checked[index] = { ...verdict, ...checkerSays(answer) };
  }
  return checked;
}
