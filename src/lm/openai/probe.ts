/**
 * Finds out what a server really does, by asking it: a status of 200 proves nothing. A fixed text is scored in two ways
 * that must agree, and samples are scored again. Its exchanges are few, small, and not kept in the ledger.
 */
import { z } from "zod";
import { type Failure, messageOf, PromptCotError } from "../../core/errors.ts";
import type { SampleRequest, SampleResult, ScoreRequest, ScoreResult, TokenIds } from "../contract.ts";
import { ask, type Seat } from "./ask.ts";
import type { Dialect, Question, Setting, Unaskable } from "./dialects/contract.ts";

export interface Check {
  name: string;
  ok: boolean;
  /** What was seen, in plain words. */
  detail: string;
}

export interface Capability {
  ok: boolean;
  checks: Check[];
}

export interface ProbeReport {
  url: string;
  dialect: Dialect["name"];
  model: string;
  version: string | undefined;
  contextLength: number;
  /** Sampling from ids (or text, where the dialect is generic). */
  completions: Capability;
  /** Sampling from messages. */
  chat: Capability;
  /** Scoring given ids. */
  score: Capability;
  /** Samples come with their token ids. */
  ids: boolean;
  /** Samples come with log-probabilities that equal the scorer's, whatever the temperature. */
  sampleLogprobs: boolean;
  /** The same seed twice gave the same text. */
  seeded: boolean;
  /** Replies say how many tokens they took. */
  counted: boolean;
  /** Tokens of a prompt of one short message, all that a template puts around it included; undefined where nobody said. */
  messageTokens: number | undefined;
}

const PROBE_TEXT = "Seven apples cost 21 coins. How many coins do four apples cost?";
/** Used where nobody can turn the text into ids. */
const PROBE_IDS: TokenIds = [11, 7, 13, 5, 17, 9, 15, 8, 12, 6, 14, 10];
const PREFIX = 3;
const DRAWN = 8;
const SEED = 20_250_919;

export interface Probing {
  seat: Seat;
  dialect: Dialect;
  setting: Setting;
  version: string | undefined;
  signal: AbortSignal;
}

/** @throws PromptCotError `unauthorized`, `quota`, `rate-limited`, `server-dead`; everything else is a finding */
export async function probe(probing: Probing): Promise<ProbeReport> {
  const { dialect, setting, seat } = probing;
  const ids = await probeIds(probing);
  const score = await probeScore(probing, ids);
  const { completions, seeded, drawn } = await probeCompletions(probing, ids);
  const { chat, answered } = await probeChat(probing);
  const answers = [drawn, answered].filter((one) => one !== undefined);
  const logprobs = score.ok ? await probeSampleLogprobs(probing, ids, drawn) : undefined;
  if (logprobs !== undefined) completions.checks.push(logprobs);
  return {
    url: setting.options.url,
    dialect: dialect.name,
    model: seat.name,
    version: probing.version,
    contextLength: setting.contextLength,
    completions,
    chat,
    score,
    ids: drawn?.ids !== undefined,
    sampleLogprobs: logprobs?.ok ?? false,
    seeded,
    counted: answers.every(({ usage }) => usage.atMost === undefined),
    messageTokens: tokensOf(answered),
  };
}

const Tokenized = z.object({ tokens: z.array(z.number().int()).min(PREFIX + 2) });

async function probeIds({ seat, setting, signal }: Probing): Promise<TokenIds> {
  const known = setting.encode?.(PROBE_TEXT);
  if (known !== undefined && known.length > PREFIX + 1) return known;
  if (setting.options.dialect === "generic") return PROBE_IDS;
  const { server } = seat;
  const body = JSON.stringify({ model: seat.name, prompt: PROBE_TEXT, add_special_tokens: false });
  const path = `${server.paths.root}/tokenize`;
  const outcome = await server.send({ method: "POST", path, body, timeoutMs: 30_000, signal });
  if (outcome.kind !== "reply" || outcome.status !== 200) return PROBE_IDS;
  const tokenized = Tokenized.safeParse(safeJson(outcome.text));
  return tokenized.success ? tokenized.data.tokens : PROBE_IDS;
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then refuses it
  }
}

async function probeScore(probing: Probing, ids: TokenIds): Promise<Capability> {
  const { dialect, setting } = probing;
  const request: ScoreRequest = { id: "probe", prefix: ids.slice(0, PREFIX), completion: ids.slice(PREFIX) };
  const first = await put(probing, dialect.score(request, setting));
  const checks = [scoreCheck("scores a fixed text", first, request)];
  if (!first.ok) return { ok: false, checks };
  const second = await put(probing, dialect.scoreAgain(request, setting));
  checks.push(scoreCheck("scores it in a second way", second, request));
  if (second.ok) checks.push(equalSums("both ways agree", first.logprobs, second.logprobs, setting.options.tolerance));
  // The score of a token may not depend on what comes after it.
  const shorter = await put(
    probing,
    dialect.score({ ...request, completion: request.completion.slice(0, -1) }, setting),
  );
  if (shorter.ok) {
    const head = first.logprobs.slice(0, -1);
    checks.push(equalSums("a shorter text scores alike", shorter.logprobs, head, setting.options.tolerance));
  }
  return { ok: checks.every(({ ok }) => ok), checks };
}

function scoreCheck(name: string, result: ScoreResult, request: ScoreRequest): Check {
  if (!result.ok) return { name, ok: false, detail: result.reason };
  const wanted = request.completion.length;
  if (result.logprobs.length !== wanted)
    return { name, ok: false, detail: `${result.logprobs.length} values for ${wanted} tokens` };
  return { name, ok: true, detail: `sum ${sum(result.logprobs).toFixed(4)} nats over ${wanted} tokens` };
}

function equalSums(name: string, a: readonly number[], b: readonly number[], tolerance: number): Check {
  const gap = Math.abs(sum(a) - sum(b));
  return { name, ok: gap <= tolerance, detail: `sums differ by ${gap.toExponential(1)} nats (bound ${tolerance})` };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

type Drawn = Extract<SampleResult, { ok: true }>;

async function probeCompletions(
  probing: Probing,
  ids: TokenIds,
): Promise<{ completions: Capability; seeded: boolean; drawn: Drawn | undefined }> {
  const { dialect, setting } = probing;
  const prompt =
    dialect.name === "generic" && setting.encode === undefined
      ? ({ kind: "text", text: PROBE_TEXT } as const)
      : ({ kind: "ids", ids } as const);
  const request = drawRequest(prompt, 1);
  const first = await put(probing, dialect.sample(request, setting));
  if (!first.ok) return { completions: failed("continues a text", first.reason), seeded: false, drawn: undefined };
  const second = await put(probing, dialect.sample(request, setting));
  const completions = { ok: true, checks: [sampleCheck("continues a text", first)] };
  return { completions, seeded: second.ok && second.text === first.text, drawn: first };
}

async function probeChat(probing: Probing): Promise<{ chat: Capability; answered: Drawn | undefined }> {
  const messages = [{ role: "user", content: PROBE_TEXT }] as const;
  const result = await put(
    probing,
    probing.dialect.sample(drawRequest({ kind: "messages", messages }, 1), probing.setting),
  );
  if (!result.ok) return { chat: failed("answers a message", result.reason), answered: undefined };
  return { chat: { ok: true, checks: [sampleCheck("answers a message", result)] }, answered: result };
}

function tokensOf(answered: Drawn | undefined): number | undefined {
  const { promptTokens = 0, atMost = false } = answered?.usage ?? {};
  return promptTokens > 0 && !atMost ? promptTokens : undefined;
}

function sampleCheck(name: string, drawn: Drawn): Check {
  const { completionTokens, atMost = false } = drawn.usage;
  const tokens = atMost ? "an answer" : `${completionTokens} tokens`;
  return { name, ok: true, detail: `${tokens}, ${drawn.ids === undefined ? "without" : "with"} ids` };
}

/** At a temperature other than 1, processed log-probabilities differ from the model's own. */
async function probeSampleLogprobs(
  probing: Probing,
  ids: TokenIds,
  drawn: Drawn | undefined,
): Promise<Check | undefined> {
  if (drawn?.ids === undefined || drawn.ids.length === 0) return undefined;
  const name = "log-probabilities of samples are the model's own";
  const { dialect, setting } = probing;
  const hot = await put(
    probing,
    dialect.sample(drawRequest({ kind: "ids", ids }, 0.6), { ...setting, sampleLogprobs: true }),
  );
  if (!hot.ok) return { name, ok: false, detail: hot.reason };
  if (hot.ids === undefined || hot.logprobs === undefined)
    return { name, ok: false, detail: "samples come without them" };
  const again = await put(probing, dialect.score({ id: "probe", prefix: ids, completion: hot.ids }, setting));
  if (!again.ok) return { name, ok: false, detail: again.reason };
  return equalSums(name, hot.logprobs, again.logprobs, setting.options.tolerance);
}

function drawRequest(prompt: SampleRequest["prompt"], temperature: number): SampleRequest {
  return { id: "probe", prompt, maxTokens: DRAWN, temperature, topP: 1, stop: {}, seed: SEED };
}

function failed(name: string, detail: string): Capability {
  return { ok: false, checks: [{ name, ok: false, detail }] };
}

async function put<Result>(
  probing: Probing,
  question: Question<Result> | Unaskable,
): Promise<Result | (Failure & { id: string })> {
  if ("impossible" in question) return { ok: false, boundary: "backend", id: "probe", reason: question.impossible };
  try {
    return await ask(question, probing.seat, probing.signal);
  } catch (error) {
    // A missing route is a finding; what the user must act upon is not.
    if (!(error instanceof PromptCotError) || error.code !== "unknown-model") throw error;
    return { ok: false, boundary: "backend", id: "probe", reason: messageOf(error) };
  }
}
