/**
 * Decides which drafted tests to believe: candidate solutions are run on every input, and an expected output is kept
 * only where enough of them agree. Problems left with too few tests go to quarantine, with the reason.
 */
import { PromptCotError, throwIfStopped } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import { Comparison, type ComparisonInput, difference } from "./compare.ts";
import type { CodeProblem, TestDraft } from "./generate-tests.ts";
import { type Limits, type LimitsInput, parseLimits } from "./limits.ts";
import { parseValue } from "./literals.ts";
import type { Run, RunResult, Sandbox } from "./sandbox/contract.ts";
import type { RowTest } from "./tests.ts";
import { equalValues, toJson } from "./values.ts";

export interface ValidationOptions extends CallOptions {
  sandbox: Sandbox;
  /** Least share of the candidate solutions that must give the same output. Solutions that fail count as dissent. */
  agreement: number;
  /** Fewer solutions than this prove nothing: the problem goes to quarantine. Default 3. */
  minSolutions?: number;
  /** Problems with fewer tests than this after validation go to quarantine. */
  minTests: number;
  /** Inputs drawn from each generator. Default 8. */
  generated?: number;
  limits?: LimitsInput;
  comparison?: ComparisonInput;
}

/** What speaks for a test. */
export interface Evidence {
  /** Solutions with the kept output, of all that were run. */
  votes: number;
  solutions: number;
  /** What the drafting model claimed: the same, something else (the solutions' output is kept), or nothing. */
  claim: "agrees" | "differs" | "none";
  /** Brute-force references that ran to an end: all agree, or there were none. */
  references: number;
  source: "model" | "generator";
}

export type ValidatedTest = RowTest & { output: string; evidence: Evidence };

export interface RejectedTest {
  input: string;
  reason: string;
}

/** A problem with tests that can be believed, or in quarantine. */
export type ValidatedProblem =
  | { ok: true; problem: CodeProblem; tests: ValidatedTest[]; rejected: RejectedTest[] }
  | { ok: false; problem: CodeProblem; reason: string; tests: ValidatedTest[]; rejected: RejectedTest[] };

interface Question {
  input: string;
  source: Evidence["source"];
  /** Outputs claimed for this input. */
  claims: string[];
}

/**
 * Validates one draft with candidate solutions (programs). Solutions and references run in the sandbox.
 * @throws PromptCotError `bad-agreement`, or of the sandbox; `Stopped` when the signal fires.
 */
export async function validateTests(
  draft: TestDraft,
  solutions: readonly string[],
  options: ValidationOptions,
): Promise<ValidatedProblem> {
  if (!(options.agreement > 0 && options.agreement <= 1)) {
    throw new PromptCotError({
      boundary: "config",
      code: "bad-agreement",
      message: `the agreement asked of solutions must be in (0, 1], got ${options.agreement}`,
      next: "give a share, for example 0.6",
    });
  }
  const { problem } = draft;
  const least = options.minSolutions ?? 3;
  if (solutions.length < least) {
    const reason = `${solutions.length} candidate solutions, fewer than ${least}`;
    return { ok: false, problem, reason, tests: [], rejected: [] };
  }
  const limits = parseLimits(options.limits);
  const questions = [...questionsOf(draft), ...(await generatedQuestions(draft, limits, options))];
  const byInput = new Map<string, Question>();
  for (const question of questions) if (!byInput.has(question.input)) byInput.set(question.input, question);
  const distinct = [...byInput.values()];
  const answers = await runAll(problem, solutions, distinct, limits, options);
  const references = await runAll(problem, draft.references, distinct, limits, options);

  const tests: ValidatedTest[] = [];
  const rejected: RejectedTest[] = [];
  for (const [index, question] of distinct.entries()) {
    const outputs = answers.map((of) => of[index]);
    const decided = decide(
      problem,
      question,
      outputs,
      references.map((of) => of[index]),
      options,
    );
    if ("evidence" in decided) tests.push(decided);
    else rejected.push(decided);
  }
  if (tests.length >= options.minTests) return { ok: true, problem, tests, rejected };
  const reason = `${tests.length} of ${distinct.length} tests held, fewer than ${options.minTests}`;
  return { ok: false, problem, reason, tests, rejected };
}

function questionsOf(draft: TestDraft): Question[] {
  const byInput = new Map<string, Question>();
  for (const { input, output } of draft.claims) {
    const known = byInput.get(input);
    if (known === undefined) byInput.set(input, { input, source: "model", claims: [output] });
    else known.claims.push(output);
  }
  return [...byInput.values()];
}

/** Inputs printed by the drafted generators, seed by seed. A generator that fails simply offers nothing. */
async function generatedQuestions(draft: TestDraft, limits: Limits, options: ValidationOptions): Promise<Question[]> {
  const count = options.generated ?? 8;
  const questions: Question[] = [];
  for (const generator of draft.generators) {
    const runs = Array.from({ length: count }, (_, seed): Run => ({ kind: "stdin", stdin: `${seed}\n` }));
    const results = await options.sandbox.run({ program: generator, prelude: false, limits, runs }, callOf(options));
    for (const result of results) {
      const input = result.stdout.trimEnd();
      if (result.end.kind !== "finished" || input === "" || !readable(draft.problem, input)) continue;
      questions.push({
        input: draft.problem.fnName === undefined ? `${input}\n` : input,
        source: "generator",
        claims: [],
      });
    }
  }
  return questions;
}

function readable(problem: CodeProblem, input: string): boolean {
  return problem.fnName === undefined || argumentsOf(input).every((line) => parseValue(line, "json") !== undefined);
}

function argumentsOf(input: string): string[] {
  return input.split("\n").filter((line) => line.trim() !== "");
}

/** Outputs as [program][question]: a text, or undefined where the program gave none. */
async function runAll(
  problem: CodeProblem,
  programs: readonly string[],
  questions: readonly Question[],
  limits: Limits,
  options: ValidationOptions,
): Promise<(string | undefined)[][]> {
  const { fnName } = problem;
  const runs = questions.map(
    ({ input }): Run =>
      fnName === undefined
        ? { kind: "stdin", stdin: input }
        : { kind: "call", name: fnName, arguments: argumentsOf(input), notation: "json" },
  );
  return Promise.all(
    programs.map(async (program) => {
      throwIfStopped(options.signal);
      const job = { program, prelude: fnName !== undefined, limits, runs };
      const results = await options.sandbox.run(job, callOf(options));
      return results.map((result) => outputOf(result, fnName !== undefined));
    }),
  );
}

/** What a run votes for: its standard output, or its value as JSON. Empty output, and values beyond JSON, never vote. */
function outputOf(result: RunResult, isFunction: boolean): string | undefined {
  if (result.end.kind !== "finished") return undefined;
  if (!isFunction) return result.stdout.trim() === "" ? undefined : result.stdout;
  const value = parseValue(result.value ?? "", "python");
  return value === undefined ? undefined : toJson(value);
}

function callOf(options: ValidationOptions): CallOptions {
  return { signal: options.signal, onEvent: options.onEvent };
}

/** The output that enough solutions share and that no reference denies, or why there is none. */
function decide(
  problem: CodeProblem,
  question: Question,
  outputs: readonly (string | undefined)[],
  referenceOutputs: readonly (string | undefined)[],
  options: ValidationOptions,
): ValidatedTest | RejectedTest {
  const same = sameness(problem, options);
  const clusters: { output: string; votes: number }[] = [];
  for (const output of outputs) {
    if (output === undefined) continue;
    const cluster = clusters.find((one) => same(one.output, output));
    if (cluster === undefined) clusters.push({ output, votes: 1 });
    else cluster.votes++;
  }
  clusters.sort((a, b) => b.votes - a.votes);
  const best = clusters[0];
  const { input } = question;
  if (best === undefined) return { input, reason: "no solution gave an output" };
  if (best.votes === clusters[1]?.votes)
    return { input, reason: `a tie: ${best.votes} solutions each for two outputs` };
  if (best.votes < options.agreement * outputs.length)
    return { input, reason: `${best.votes} of ${outputs.length} solutions agree, fewer than ${options.agreement}` };
  const references = referenceOutputs.filter((output) => output !== undefined);
  if (references.some((output) => !same(best.output, output)))
    return { input, reason: "a brute-force reference gives another output" };
  const claimed = question.claims.some((claim) => same(best.output, claim));
  return {
    input,
    output: best.output,
    evidence: {
      votes: best.votes,
      solutions: outputs.length,
      claim: question.claims.length === 0 ? "none" : claimed ? "agrees" : "differs",
      references: references.length,
      source: question.source,
    },
  };
}

function sameness(problem: CodeProblem, options: ValidationOptions): (a: string, b: string) => boolean {
  const how = Comparison.parse(options.comparison ?? {});
  if (problem.fnName === undefined) return (a, b) => difference(a, b, how) === undefined;
  return (a, b) => {
    const [left, right] = [parseValue(a, "json"), parseValue(b, "json")];
    return left !== undefined && right !== undefined && equalValues(left, right, how.tolerance);
  };
}
