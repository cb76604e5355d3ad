/** The shapes of OpenAI-compatible replies, and what every dialect checks in them. Builds no requests. */
import { z } from "zod";
import type { SampleAnswer, SampleResult, ScoreResult, TokenIds } from "../../contract.ts";
import type { Tokens } from "../../meter.ts";
import { readServerError } from "../http.ts";
import type { Reading } from "./contract.ts";

/** Some gateways leave it out, and some spell it in their own way: the answer is one all the same. */
export const Usage = z
  .object({ prompt_tokens: z.number().int(), completion_tokens: z.number().int().default(0) })
  .nullish()
  .catch(undefined);
export type Usage = z.infer<typeof Usage>;

const PromptLogprobs = z.array(z.union([z.null(), z.record(z.string(), z.object({ logprob: z.number() }))]));

export const CompletionLogprobs = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable()),
});
export type CompletionLogprobs = z.infer<typeof CompletionLogprobs>;

export const Completion = z.object({
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        text: z.string(),
        finish_reason: z.string().nullable().default(null),
        stop_reason: z.union([z.string(), z.number()]).nullish(),
        logprobs: CompletionLogprobs.nullish(),
        token_ids: z.array(z.number().int()).nullish(),
        prompt_token_ids: z.array(z.number().int()).nullish(),
        prompt_logprobs: PromptLogprobs.nullish(),
      }),
    )
    // One was asked for. A server that gives more has answered with its first.
    .min(1, "none"),
  usage: Usage,
});

/** A text, or parts of one, of which some may be thoughts (Mistral). */
const Words = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]);
const Content = z.union([
  z.string(),
  z.array(z.looseObject({ type: z.string(), text: z.string().optional(), thinking: Words.optional() })),
]);

export const Chat = z.object({
  model: z.string().nullish(),
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullable().default(null),
        message: z.object({
          content: Content.nullish(),
          reasoning: z.string().nullish(),
          reasoning_content: z.string().nullish(),
        }),
        token_ids: z.array(z.number().int()).nullish(),
        logprobs: z.object({ content: z.array(z.object({ logprob: z.number() })).nullish() }).nullish(),
      }),
    )
    .min(1, "none"),
  usage: Usage,
});

/** The text of a message, and the thoughts that stand beside it. */
export function readContent(content: z.infer<typeof Content> | null | undefined): {
  text: string;
  thoughts: string | undefined;
} {
  if (content == null || typeof content === "string") return { text: content ?? "", thoughts: undefined };
  const words = ({ thinking }: (typeof content)[number]) =>
    typeof thinking === "object" ? thinking.map(({ text = "" }) => text).join("") : thinking;
  const thoughts = content.flatMap((part) => words(part) ?? []);
  const text = content.map((part) => part.text ?? "").join("");
  return { text, thoughts: thoughts.length === 0 ? undefined : thoughts.join("") };
}

/** vLLM clamps −∞ to −9999: whatever lies below this is probability zero. */
const ZERO_PROBABILITY = -9000;

const Told = z.union([z.string(), z.looseObject({}), z.array(z.unknown())]);
const ErrorUnder200 = z.union([z.object({ error: Told }), z.object({ detail: Told })]);

/** Parses a raw body against a schema; an error object under status 200 is named as such. */
export function parseReply<T>(
  raw: string,
  schema: z.ZodType<T>,
): { ok: true; value: T } | { ok: false; reason: string } {
  let json: unknown;
  try {
    json = JSON.parse(raw);
  } catch {
    if (/[:[,]\s*-?(NaN|Infinity)\b/.test(raw)) return { ok: false, reason: "the reply holds NaN or Infinity" };
    if (/^\s*(data|event|id|retry):/.test(raw)) {
      return { ok: false, reason: "the server streams its reply, though `stream: false` was sent" };
    }
    if (/^\s*</.test(raw)) return { ok: false, reason: `the reply is a web page: ${oneLine(raw)}` };
    return { ok: false, reason: `the reply is not whole JSON (${raw.length} characters)` };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { ok: true, value: parsed.data };
  if (ErrorUnder200.safeParse(json).success) {
    const { message } = readServerError(raw);
    return { ok: false, reason: `the server reported an error under status 200: ${message.slice(0, 200)}` };
  }
  const [issue] = parsed.error.issues;
  return { ok: false, reason: `the reply's ${issue?.path.join(".") || "body"}: ${issue?.message ?? "is malformed"}` };
}

function oneLine(text: string): string {
  return text.slice(0, 300).replace(/\s+/g, " ").trim().slice(0, 80);
}

export function unusable(reason: string): { kind: "unusable"; reason: string } {
  return { kind: "unusable", reason };
}

/** How a generation ended; a server that aborted has not answered, and a filter's silence is no sample. */
export function readFinish(
  reason: string | null,
): { kind: "finish"; finish: "stop" | "length" } | { kind: "aborted" } | { kind: "withheld"; reason: string } {
  switch (reason?.toLowerCase()) {
    case "stop":
    case "eos":
    case "eos_token":
    case "end_turn":
    case "stop_sequence":
    case "complete":
      return { kind: "finish", finish: "stop" };
    case "length":
    case "max_tokens":
    case "model_length":
      return { kind: "finish", finish: "length" };
    case "abort":
    case "error":
    case "insufficient_system_resource":
    case undefined:
      return { kind: "aborted" };
    default:
      return { kind: "withheld", reason: reason ?? "" };
  }
}

export interface Drawn {
  id: string;
  text: string;
  reasoning: string | undefined;
  ids: TokenIds | undefined;
  logprobs: readonly number[] | undefined;
  finishReason: string | null;
  usage: Usage;
  /** What it costs at most, where no usage is told. */
  most: Tokens;
  model: string | null | undefined;
}

/** Checks what a sample must satisfy whatever the dialect, and makes the contract's record of it. */
export function sampled(drawn: Drawn): Reading<SampleResult> {
  const { id, usage, ids, logprobs, most } = drawn;
  const model = drawn.model ?? undefined;
  const tokens = {
    promptTokens: usage?.prompt_tokens ?? most.prompt,
    completionTokens: usage?.completion_tokens ?? most.completion,
  };
  const ending = readFinish(drawn.finishReason);
  if (ending.kind === "aborted") return unusable(`the server broke off (finish reason ${drawn.finishReason})`);
  if (ending.kind === "withheld") {
    const reason = `the server withheld its answer (finish reason ${ending.reason})`;
    return { kind: "ok", result: { ok: false, boundary: "backend", id, reason }, ...tokens, model };
  }
  if (ids !== undefined && usage && ids.length !== usage.completion_tokens) {
    return unusable(`${ids.length} token ids for ${usage.completion_tokens} completion tokens`);
  }
  if (ids !== undefined && logprobs !== undefined && logprobs.length !== ids.length) {
    return unusable(`${logprobs.length} log-probabilities for ${ids.length} tokens`);
  }
  if (logprobs?.some((logprob) => !isLogprob(logprob))) return unusable("a log-probability is positive or not finite");
  const answer: SampleAnswer = { ok: true, id, text: drawn.text, finish: ending.finish, usage: tokens };
  if (!usage) answer.usage = { ...tokens, atMost: true };
  if (drawn.reasoning !== undefined) answer.reasoning = drawn.reasoning;
  if (ids !== undefined) answer.ids = ids;
  if (ids !== undefined && logprobs !== undefined) answer.logprobs = logprobs;
  return { kind: "ok", result: answer, ...tokens, model };
}

/** `logprobs` are those of the completion alone. */
export function scored(id: string, logprobs: readonly number[], promptTokens: number): Reading<ScoreResult> {
  const counted = { promptTokens, completionTokens: 0 };
  const zero = logprobs.findIndex((logprob) => logprob <= ZERO_PROBABILITY);
  if (zero >= 0) {
    const reason = `the model gives token ${zero} of the completion probability zero`;
    return { kind: "ok", result: { ok: false, boundary: "backend", id, reason }, ...counted };
  }
  if (!logprobs.every(isLogprob)) return unusable("a log-probability is positive or not finite");
  return { kind: "ok", result: { ok: true, id, logprobs }, ...counted };
}

/** Rounding may leave a certain token a hair above zero. */
function isLogprob(value: number): boolean {
  return Number.isFinite(value) && value <= 1e-3;
}

/** vLLM's `prompt_logprobs`: one entry a position, the first null, keys are token ids. */
export function readPromptLogprobs(
  entries: z.infer<typeof PromptLogprobs>,
  sent: TokenIds,
  from: number,
): { ok: true; logprobs: number[] } | { ok: false; reason: string } {
  if (entries.length !== sent.length) {
    return { ok: false, reason: `${entries.length} prompt log-probabilities for ${sent.length} tokens` };
  }
  if (entries[0] !== null) return { ok: false, reason: "the first position has a log-probability: arrays are shifted" };
  const logprobs: number[] = [];
  for (let t = from; t < sent.length; t++) {
    const own = entries[t]?.[String(sent[t])];
    if (own === undefined) return { ok: false, reason: `position ${t} lacks the token that was sent` };
    logprobs.push(own.logprob);
  }
  return { ok: true, logprobs };
}

/** Echoed `token_logprobs`: `sent` positions and perhaps the tokens generated after them; the first is null. */
export function readEcho(
  echo: CompletionLogprobs,
  sent: TokenIds,
  from: number,
  generated: number,
): { ok: true; logprobs: number[] } | { ok: false; reason: string } {
  const { tokens, token_logprobs: values } = echo;
  if (values.length !== sent.length + generated && values.length !== sent.length) {
    return { ok: false, reason: `${values.length} echoed log-probabilities for ${sent.length} tokens` };
  }
  if (tokens.length !== values.length) return { ok: false, reason: "tokens and log-probabilities differ in number" };
  if (values[0] !== null) return { ok: false, reason: "the first position has a log-probability: arrays are shifted" };
  const logprobs: number[] = [];
  for (let t = from; t < sent.length; t++) {
    const value = values[t];
    if (value == null) return { ok: false, reason: `position ${t} has no log-probability` };
    const named = /^token_id:(\d+)$/.exec(tokens[t] ?? "")?.[1];
    if (named !== undefined && Number(named) !== sent[t]) {
      return { ok: false, reason: `position ${t} is token ${named}, not ${sent[t]} as sent` };
    }
    logprobs.push(value);
  }
  return { ok: true, logprobs };
}
