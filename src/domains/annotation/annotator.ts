/**
 * A language model as an annotator: concepts first, then the rationale; an answer that cannot be used is asked for once more,
 * and then the seed is rejected with the reason. It samples through whatever it is given, and knows no server.
 */
import type { Failure } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import type { Seed } from "../../core/records.ts";
import type { Rng } from "../../core/rng.ts";
import type { ChatMessage, SampleAnswer, SampleResult, Sampler } from "../../lm/contract.ts";
import type { Annotation, Annotator } from "../contract.ts";
import { conceptsRequest, type Field, rationaleRequest, repairRequest } from "./instructions.ts";
import { type Parsed, parseConcepts, parseRationale } from "./parse.ts";

export interface AnnotatorOptions {
  /** Under which triples carry it. */
  name: string;
  /** Asked for when the first seed comes. */
  sampler: () => Promise<Sampler>;
  /** Concepts a problem. */
  concepts: number;
  temperature: number;
  maxTokens: number;
}

/** An annotator for the problems of a field. A seed that brings concepts keeps them, and only wants its rationale. */
export function annotatorFor(field: Field, options: AnnotatorOptions): Annotator {
  return {
    name: options.name,
    async annotate(seed, rng, call): Promise<Annotation | Failure> {
      const ask = <Value>(what: string, messages: ChatMessage[], parse: (text: string) => Parsed<Value>) =>
        askTwice(options, { what, messages, parse, seed, rng: rng.fork(what) }, call);
      const concepts =
        seed.concepts === undefined
          ? await ask("concepts", conceptsRequest(field, seed.problem, options.concepts), (text) =>
              parseConcepts(text, options.concepts),
            )
          : { value: seed.concepts };
      if ("reason" in concepts) return concepts;
      const messages = rationaleRequest(field, seed.problem, concepts.value, seed.level);
      const rationale = await ask("rationale", messages, parseRationale);
      if ("reason" in rationale) return rationale;
      return { concepts: concepts.value, rationale: rationale.value, level: seed.level };
    },
  };
}

interface Question<Value> {
  what: string;
  messages: ChatMessage[];
  parse: (text: string) => Parsed<Value>;
  seed: Seed;
  rng: Rng;
}

/** The first answer if it can be used, else the second if that can. */
async function askTwice<Value>(
  options: AnnotatorOptions,
  { what, messages, parse, seed, rng }: Question<Value>,
  call: CallOptions,
): Promise<{ value: Value } | Failure> {
  const put = (asked: ChatMessage[], attempt: number) =>
    one(options, { id: `${seed.id}/${what}/${attempt}`, messages: asked, seed: rng.fork(attempt).uint32() }, call);
  const first = await put(messages, 0);
  if (!first.ok) return first;
  const parsed = read(options, first, parse);
  if (parsed.ok) return parsed;
  const second = await put(repairRequest(messages, first.text, parsed.reason), 1);
  if (!second.ok) return second;
  const repaired = read(options, second, parse);
  if (repaired.ok) return repaired;
  return {
    ok: false,
    boundary: "backend",
    reason: `${what}, asked for twice: first ${parsed.reason}; then ${repaired.reason}`,
  };
}

function read<Value>(
  { maxTokens }: AnnotatorOptions,
  { finish, text, reasoning }: SampleAnswer,
  parse: (text: string) => Parsed<Value>,
): Parsed<Value> {
  const empty = text.trim() === "";
  if (finish === "length" && empty && reasoning !== undefined) {
    return { ok: false, reason: `its reasoning took all of the ${maxTokens} tokens that it may write (maxTokens)` };
  }
  if (finish === "length") return { ok: false, reason: "it was cut off at the token limit" };
  return empty ? { ok: false, reason: "it is empty" } : parse(text);
}

async function one(
  { sampler, maxTokens, temperature }: AnnotatorOptions,
  { id, messages, seed }: { id: string; messages: ChatMessage[]; seed: number },
  call: CallOptions,
): Promise<SampleResult> {
  const request = {
    id,
    prompt: { kind: "messages", messages } as const,
    maxTokens,
    temperature,
    topP: 1,
    stop: {},
    seed,
  };
  for await (const result of (await sampler()).sample([request], { signal: call.signal })) return result;
  throw new Error(`the sampler did not answer request ${id}`);
}
