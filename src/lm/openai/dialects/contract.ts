/** How one kind of server is spoken to: requests built, raw bodies read. A dialect sends nothing. */
import type { Json } from "../../../core/hash.ts";
import type { ChatMessage, SampleRequest, SampleResult, ScoreRequest, ScoreResult } from "../../contract.ts";
import type { Pressure } from "../adapt.ts";
import type { OpenAiOptions } from "../options.ts";
import type { ServerPaths } from "../server.ts";

/** What a raw body turned out to be. */
export type Reading<Result> =
  | {
      kind: "ok";
      result: Result;
      promptTokens: number;
      completionTokens: number;
      /** The model that the server says it answered with. */
      model?: string | undefined;
    }
  /** Not an answer to the request: malformed, cut short, wrong lengths, NaN. Asking again may help. */
  | { kind: "unusable"; reason: string };

/** One question, ready to be put. */
export interface Question<Result> {
  id: string;
  /** Path on the server. */
  path: string;
  /** Endpoint class of the ledger's key. */
  endpoint: string;
  prompt: Json;
  /** All that is sent besides prompt, model name and seed. */
  parameters: Json;
  seed: number;
  /** Which of several answers to one request; 0 if not said. */
  sample?: number;
  /** The JSON body, for the model's present name at the server. */
  body(model: string): string;
  /** Tokens that the server may have to hold, prompt and wanted; those of a text are guessed. For limits. */
  tokens: number;
  /** Tokens of the prompt at most. For budgets. */
  promptAtMost: number;
  /** Tokens wanted: what the deadline is scaled by. */
  wanted: number;
  read(raw: string): Reading<Result>;
}

/** A question that need not be put: it cannot succeed. */
export interface Unaskable {
  impossible: string;
}

export interface Dialect {
  readonly name: OpenAiOptions["dialect"];
  paths(url: URL): ServerPaths;
  readMetrics(text: string): Pressure | undefined;
  sample(request: SampleRequest, setting: Setting): Question<SampleResult> | Unaskable;
  score(request: ScoreRequest, setting: Setting): Question<ScoreResult> | Unaskable;
  /** Scores by another way than `score` does, for the probe to compare with. */
  scoreAgain(request: ScoreRequest, setting: Setting): Question<ScoreResult>;
}

/** What a dialect needs to know of the model it asks. */
export interface Setting {
  options: OpenAiOptions;
  paths: ServerPaths;
  contextLength: number;
  /** SGLang's name for an adapter, which it wants apart from the model. */
  adapter: string | undefined;
  /** Text to ids, where the tokenizer is known: text prompts are then sent as ids. */
  encode: ((text: string) => readonly number[]) | undefined;
  /** Tokens that a chat template puts around a first message, at most. */
  framing: number;
  /** Whether log-probabilities of samples are those of the untempered model, as the probe found. */
  sampleLogprobs: boolean;
}

/** Plain objects for JSON. */
export function wireMessages(messages: readonly ChatMessage[]): Json {
  return messages.map(({ role, content }) => ({ content, role }));
}
