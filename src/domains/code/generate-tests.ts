/**
 * Asks a model for unit tests of a problem that has none: one test per request, each with a seed of its own, and, if
 * asked for, an input generator and a brute-force reference. Believes none of it: see validate-tests.ts.
 */
import { z } from "zod";
import type { CallOptions } from "../../core/events.ts";
import type { Rng } from "../../core/rng.ts";
import { withoutThought } from "../../core/thought.ts";
import type { ChatMessage, SampleAnswer, SampleRequest, Sampler } from "../../lm/contract.ts";
import { fencesOf, programCandidates } from "./extract.ts";
import { parseValue } from "./literals.ts";

/** A problem that a program is to solve. */
export interface CodeProblem {
  id: string;
  /** The statement, as solvers see it. */
  problem: string;
  /** Set if solutions are functions of this name; otherwise they read standard input. */
  fnName?: string;
}

/** What a model said a test is. Texts only: values are never read as JavaScript numbers. */
export interface TestClaim {
  input: string;
  output: string;
  /** How many answers claimed exactly this. */
  times: number;
}

/** All that a model offered for one problem. */
export interface TestDraft {
  problem: CodeProblem;
  /** Distinct, in order of first appearance. */
  claims: TestClaim[];
  /** Programs that print an input, given a seed on standard input. */
  generators: string[];
  /** Slow and simple solutions. */
  references: string[];
  /** Answers that were not used, with the reason; nothing is dropped quietly. */
  rejected: { request: string; reason: string }[];
}

export interface DraftOptions extends CallOptions {
  sampler: Sampler;
  rng: Rng;
  /** Requests for a test, per problem. */
  tests: number;
  /** Requests for an input generator, and for a brute-force reference, per problem. Default 0. */
  generators?: number;
  references?: number;
  maxTokens: number;
  temperature: number;
  topP: number;
  /** Problems whose requests are sent together. Default 32. */
  together?: number;
}

type Ask = "test" | "generator" | "reference";

/** Drafts for a stream of problems, in its order. Holds `together` problems at a time. */
export async function* draftTests(
  problems: AsyncIterable<CodeProblem> | Iterable<CodeProblem>,
  options: DraftOptions,
): AsyncGenerator<TestDraft> {
  const together = options.together ?? 32;
  let group: CodeProblem[] = [];
  for await (const problem of problems) {
    group.push(problem);
    if (group.length < together) continue;
    yield* await draftGroup(group, options);
    group = [];
  }
  if (group.length > 0) yield* await draftGroup(group, options);
}

async function draftGroup(group: readonly CodeProblem[], options: DraftOptions): Promise<TestDraft[]> {
  const { sampler, signal, onEvent } = options;
  const drafts = group.map(
    (problem): TestDraft => ({ problem, claims: [], generators: [], references: [], rejected: [] }),
  );
  const asked = new Map<string, { draft: TestDraft; ask: Ask; request: SampleRequest }>();
  for (const draft of drafts) {
    for (const { ask, request } of requestsFor(draft.problem, options)) asked.set(request.id, { draft, ask, request });
  }
  const requests = [...asked.values()].map((entry) => entry.request);
  for await (const result of sampler.sample(requests, { signal, onEvent })) {
    const entry = asked.get(result.id);
    if (entry === undefined) continue;
    const reason = result.ok ? accept(entry.draft, entry.ask, result) : `${result.boundary}: ${result.reason}`;
    if (reason !== undefined) entry.draft.rejected.push({ request: result.id, reason });
  }
  return drafts;
}

/** The requests for one problem; the same for the same root of randomness, whatever else is asked. */
export function requestsFor(problem: CodeProblem, options: DraftOptions): { ask: Ask; request: SampleRequest }[] {
  const counts: [Ask, number][] = [
    ["test", options.tests],
    ["generator", options.generators ?? 0],
    ["reference", options.references ?? 0],
  ];
  return counts.flatMap(([ask, count]) =>
    Array.from({ length: count }, (_, index) => ({
      ask,
      request: {
        id: `${problem.id}#${ask}-${index}`,
        prompt: { kind: "messages" as const, messages: promptFor(ask, problem) },
        maxTokens: options.maxTokens,
        temperature: options.temperature,
        topP: options.topP,
        stop: {},
        seed: options.rng.fork("unit-tests", problem.id, ask, index).uint32(),
      },
    })),
  );
}

/** Takes an answer into the draft, or says why not. */
function accept(draft: TestDraft, ask: Ask, answer: SampleAnswer): string | undefined {
  if (answer.finish === "length") return "cut off at the token limit";
  if (ask === "test") {
    const claim = parseTestClaim(answer.text, draft.problem.fnName !== undefined);
    if (!claim.ok) return claim.reason;
    const known = draft.claims.find((one) => one.input === claim.input && one.output === claim.output);
    if (known === undefined) draft.claims.push({ input: claim.input, output: claim.output, times: 1 });
    else known.times++;
    return undefined;
  }
  const program = programCandidates(answer.text).find((candidate) => candidate.source === "tagged")?.program;
  if (program === undefined) return "no fenced Python program after the thought";
  const kept = ask === "generator" ? draft.generators : draft.references;
  if (kept.includes(program)) return "a duplicate";
  kept.push(program);
  return undefined;
}

const EXAMPLE = { input: "<the exact input>", output: "<the exact expected output>" };
const Claim = z.strictObject({ input: z.string(), output: z.string() });

export type ParsedClaim = { ok: true; input: string; output: string } | { ok: false; reason: string };

/**
 * Reads a test from an answer: what follows the thought must hold exactly one JSON object fence, with exactly the two
 * strings. Trailing white space is normalised to one newline for stdin tests, so that duplicates are seen.
 */
export function parseTestClaim(text: string, isFunction: boolean): ParsedClaim {
  const answer = withoutThought(text);
  if (answer === undefined) return { ok: false, reason: "the thought was cut off" };
  const fences = fencesOf(answer).filter((fence) => fence.tag === "json" && fence.closed);
  const body = fences[0]?.text;
  if (body === undefined) return { ok: false, reason: "no JSON fence after the thought" };
  if (fences.length > 1) return { ok: false, reason: `${fences.length} JSON fences where one was asked for` };
  let data: unknown;
  try {
    data = JSON.parse(body);
  } catch {
    return { ok: false, reason: "the fence does not hold JSON" };
  }
  const claim = Claim.safeParse(data);
  if (!claim.success) return { ok: false, reason: "not an object of exactly the strings `input` and `output`" };
  const { input, output } = claim.data;
  if (input === EXAMPLE.input || output === EXAMPLE.output) return { ok: false, reason: "the prompt's own example" };
  if (!isFunction) {
    if (output.trim() === "") return { ok: false, reason: "an empty expected output" };
    return { ok: true, input: `${input.trimEnd()}\n`, output: `${output.trimEnd()}\n` };
  }
  const lines = input.split("\n").filter((line) => line.trim() !== "");
  if (lines.some((line) => parseValue(line, "json") === undefined))
    return { ok: false, reason: "an argument that is no JSON value" };
  if (parseValue(output, "json") === undefined) return { ok: false, reason: "an expected value that is no JSON value" };
  return { ok: true, input: lines.map((line) => line.trim()).join("\n"), output: output.trim() };
}

/** The prompt for one test, one generator or one reference. */
export function promptFor(ask: Ask, problem: CodeProblem): ChatMessage[] {
  const shape =
    problem.fnName === undefined
      ? "A solution is a program that reads standard input and writes standard output."
      : `A solution is the function \`${problem.fnName}\`. Arguments are written one JSON value per line.`;
  const task = { test: testTask(problem), generator: generatorTask(problem), reference: referenceTask(problem) }[ask];
  return [{ role: "user", content: `${problem.problem.trim()}\n\n---\n\n${shape}\n\n${task}` }];
}

function testTask(problem: CodeProblem): string {
  const output = problem.fnName === undefined ? "what a correct program prints" : "the value returned, as JSON";
  return [
    "Write one test for this problem. Choose an input that obeys every constraint and that a careless solution would get",
    `wrong. Work out ${output} with care, then answer with one JSON object of two strings, in a fence:`,
    "",
    "```json",
    JSON.stringify(EXAMPLE),
    "```",
  ].join("\n");
}

function generatorTask(problem: CodeProblem): string {
  const form =
    problem.fnName === undefined ? "one valid input" : "the arguments of one valid call, one JSON value per line,";
  return [
    `Do not solve the problem. Write a Python program that reads an integer seed from standard input and prints ${form}`,
    "drawn at random with that seed: small inputs for small seeds, and edge cases among them. Put it in one ```python fence.",
  ].join("\n");
}

function referenceTask(problem: CodeProblem): string {
  const form = problem.fnName === undefined ? "a program" : `a program that defines \`${problem.fnName}\``;
  return [
    `Write ${form} that solves this problem by brute force: as simple as possible, so that it is plainly correct, and`,
    "without regard to speed. Put it in one ```python fence.",
  ].join("\n");
}
