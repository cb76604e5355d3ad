/** From what a sandbox reports of a run to a verdict: compares outputs and values, and names reasons. Runs nothing. */
import { type Comparison, difference } from "./compare.ts";
import { parseValue } from "./literals.ts";
import type { End, RunResult } from "./sandbox/contract.ts";
import { acceptedOf, expectedValues, type Test } from "./tests.ts";
import { equalValues, type Value, withJsonKeys } from "./values.ts";

const TAIL = 2_000;

/** Why a verdict is what it is. */
export type Reason =
  | "passed"
  | "wrong answer"
  | "time"
  | "memory"
  | "output"
  | "runtime error"
  | "compile error"
  /** The engine failed, not the program: `unknown`. */
  | "infrastructure"
  /** The response holds no program, or its thought was cut off. */
  | "no program"
  /** There was nothing to test: `unknown`. */
  | "no tests"
  /** After the first failure, where `stopOnFailure` asks for it: `unknown`. */
  | "not run";

export interface TestVerdict {
  verdict: "correct" | "wrong" | "unknown";
  reason: Reason;
  /** One line: the difference, the exception, the limit. */
  detail: string;
  /** The program ran in the same process as its judge, and could have tampered with it. */
  cheatable: boolean;
  /** Last part of standard output, and of standard error. */
  stdoutTail: string;
  stderrTail: string;
  /** The value that a function test returned, as a Python literal, cut if long. */
  value: string | undefined;
  cpuMs: number | undefined;
  wallMs: number | undefined;
  memoryBytes: number | undefined;
}

export interface ProgramVerdict {
  verdict: "correct" | "wrong" | "unknown";
  /** The first failing test's reason; else `passed`, or why nothing is known. */
  reason: Reason;
  detail: string;
  cheatable: boolean;
  /** The program that was run, if one was found. */
  program: string | undefined;
  /** [test] in the order given. */
  tests: TestVerdict[];
  passed: number;
  failed: number;
  unknown: number;
}

/** What a checker's own run says of the output that it was asked about. */
export function checkerSays(answer: RunResult): Pick<TestVerdict, "verdict" | "reason" | "detail"> {
  if (answer.value === "True") return { verdict: "correct", reason: "passed", detail: "the checker accepts it" };
  if (answer.value === "False") return { verdict: "wrong", reason: "wrong answer", detail: "the checker rejects it" };
  const why = answer.end.kind === "finished" ? `it returned ${answer.value ?? "nothing"}` : detailOf(answer.end);
  return { verdict: "unknown", reason: "infrastructure", detail: `the checker failed: ${why}` };
}

/** What one run says of its test. */
export function verdictOf(test: Test, result: RunResult, comparison: Comparison): TestVerdict {
  const measured = {
    cheatable: test.kind === "script",
    stdoutTail: result.stdout.slice(-TAIL),
    stderrTail: result.stderr.slice(-TAIL),
    value: test.kind === "function" ? result.value?.slice(0, TAIL) : undefined,
    cpuMs: result.cpuMs,
    wallMs: result.wallMs,
    memoryBytes: result.memoryBytes,
  };
  const end = result.end;
  if (end.kind === "finished") {
    const wrong = mismatch(test, result, comparison);
    if (wrong === undefined) return { verdict: "correct", reason: "passed", detail: "", ...measured };
    return { verdict: "wrong", reason: "wrong answer", detail: wrong, ...measured };
  }
  const verdict = end.kind === "infrastructure" ? "unknown" : "wrong";
  return { verdict, reason: reasonOf(end), detail: detailOf(end), ...measured };
}

/** Why a run that ended well is still wrong, or undefined. */
function mismatch(test: Test, result: RunResult, comparison: Comparison): string | undefined {
  switch (test.kind) {
    case "stdin": {
      const differences = acceptedOf(test.output).map((output) => difference(output, result.stdout, comparison));
      return differences.includes(undefined) ? undefined : differences[0];
    }
    case "function": {
      const returned = parseValue(result.value ?? "", "python");
      if (returned === undefined) return `returned ${(result.value ?? "nothing").slice(0, 200)}`;
      const { tolerance } = comparison;
      // Keys of dictionaries are texts in JSON, whatever they were when it was written.
      const read = test.notation === "json" ? [returned, withJsonKeys(returned)] : [returned];
      const same = (expected: Value) => read.some((value) => equalValues(expected, value, tolerance));
      if (expectedValues(test).some(same)) return undefined;
      return `returned ${(result.value ?? "").slice(0, 200)}`;
    }
    case "script":
      return result.value === "passed" ? undefined : "the test program did not run to its end";
    default:
      return test satisfies never;
  }
}

function reasonOf(end: Exclude<End, { kind: "finished" }>): Reason {
  switch (end.kind) {
    case "error":
      return "runtime error";
    case "assertion":
      return "wrong answer";
    case "not-compiled":
      return "compile error";
    case "limit":
      return end.limit;
    case "infrastructure":
      return "infrastructure";
    default:
      return end satisfies never;
  }
}

function detailOf(end: End): string {
  return end.kind === "finished" ? `exited with code ${end.exitCode}` : end.detail;
}

/** Of a test after the first failure, where that is to stop. */
export function notRun(): TestVerdict {
  return {
    verdict: "unknown",
    reason: "not run",
    detail: "an earlier test failed",
    cheatable: false,
    stdoutTail: "",
    stderrTail: "",
    value: undefined,
    cpuMs: undefined,
    wallMs: undefined,
    memoryBytes: undefined,
  };
}

/** Of a program that no test was run on. */
export function withoutTests(verdict: ProgramVerdict["verdict"], reason: Reason, detail: string): ProgramVerdict {
  return {
    verdict,
    reason,
    detail,
    cheatable: false,
    program: undefined,
    tests: [],
    passed: 0,
    failed: 0,
    unknown: 0,
  };
}

/** Wrong if any test is, else unknown if any test is, else correct. */
export function summarize(program: string, tests: TestVerdict[]): ProgramVerdict {
  const count = (verdict: TestVerdict["verdict"]): number => tests.filter((test) => test.verdict === verdict).length;
  const decisive =
    tests.findIndex((test) => test.verdict === "wrong") >= 0
      ? tests.findIndex((test) => test.verdict === "wrong")
      : tests.findIndex((test) => test.verdict === "unknown");
  const deciding = tests[decisive];
  return {
    verdict: deciding?.verdict ?? "correct",
    reason: deciding?.reason ?? "passed",
    detail: deciding === undefined ? "" : `test ${decisive}: ${deciding.detail}`,
    cheatable: tests.some((test) => test.cheatable),
    program,
    tests,
    passed: count("correct"),
    failed: count("wrong"),
    unknown: count("unknown"),
  };
}
