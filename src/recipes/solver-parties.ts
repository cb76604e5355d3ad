/**
 * Models as solvers: how a family is given a problem, and in which spelling its response is read. The model that is trained reads
 * its prompt as ids, rendered by its own chat template, so that what it is taught is what it was given.
 */
import { z } from "zod";
import { type Family, promptFor } from "../benchmarks/families.ts";
import { PromptCotError } from "../core/errors.ts";
import { chatOf, type RenderChat } from "../lm/chat-template.ts";
import type { Checkpoint, SampleAnswer, SampleRequest, Text, Tokenizer } from "../lm/contract.ts";
import { readTokenizerFiles } from "../lm/embedded/checkpoint.ts";
import { readTokenizer } from "../lm/embedded/tokenizer.ts";
import { joinReasoning, partReasoning } from "../lm/openai/reasoning.ts";
import type { Task } from "../stages/selfplay/records.ts";
import type { Solver } from "../stages/selfplay/solver.ts";
import type { Cast, Speaker } from "./backends.ts";

export type Subject = "math" | "program";

/** `<think>…</think>` and the answer, whichever convention the model or its server has. */
export function spell({ text, reasoning }: SampleAnswer): string {
  return joinReasoning(reasoning === undefined ? partReasoning(text, "auto") : { reasoning, text });
}

/** The model in training. */
export interface Trainee {
  solver: Solver;
  tokenizer: Tokenizer;
  prompt(task: Task): number[];
  completion(response: string): number[];
}

export async function traineeOf(
  cast: NonNullable<Cast["solver"]>,
  checkpoint: Checkpoint,
  family: Family,
  subject: Subject,
): Promise<Trainee> {
  const files = await readTokenizerFiles(checkpoint.path);
  const tokenizer = readTokenizer(files, checkpoint.path);
  const render = chatOf(files, checkpoint.path) ?? untaught(checkpoint.path);
  const end = endToken(files.tokenizerConfigJson, tokenizer, checkpoint.path);
  const prompt = (task: Task) => idsOf(worded(family, subject, task).text, tokenizer, render);
  return {
    ...{ tokenizer, prompt },
    completion: (response) => [...tokenizer.encode(response), end],
    solver: {
      ...{ backend: cast.sampler, checkpoint, spell },
      prompt: (task) => ({ kind: "ids", ids: prompt(task) }),
      stop: () => stopOf(worded(family, subject, { id: "", problem: "" }).stop, tokenizer),
    },
  };
}

/** A model that only answers: the labeller, the teacher. */
export async function speakingSolver(speaker: Speaker, family: Family, subject: Subject): Promise<Solver> {
  const checkpoint = await speaker.checkpoint();
  return {
    ...{ backend: speaker.backend, checkpoint, spell },
    prompt: (task) => worded(family, subject, task).text,
    stop: ({ tokenizer }) => stopOf(worded(family, subject, { id: "", problem: "" }).stop, tokenizer),
  };
}

function worded(family: Family, subject: Subject, { problem, fnName }: Task) {
  const asked =
    subject === "program" && fnName !== undefined ? `${problem}\n\nDefine the function \`${fnName}\`.` : problem;
  return promptFor(family, { kind: subject, problem: asked });
}

function stopOf(
  { tokens = [], texts }: { tokens?: readonly string[]; texts?: readonly string[] },
  tokenizer: Tokenizer | undefined,
): SampleRequest["stop"] {
  const ids = tokens.flatMap((token) => tokenizer?.idOf(token) ?? []);
  return { ids, ...(texts === undefined ? {} : { texts }) };
}

function idsOf(text: Text, tokenizer: Tokenizer, render: RenderChat): number[] {
  switch (text.kind) {
    case "ids":
      return [...text.ids];
    case "text":
      return tokenizer.encode(text.text);
    case "messages":
      return tokenizer.encode(render(text.messages));
    default:
      return text satisfies never;
  }
}

const TokenizerConfig = z.looseObject({
  eos_token: z.union([z.string(), z.looseObject({ content: z.string() })]).nullish(),
});

/** Refuses messages to a model without a chat template; families that speak in plain text need none. */
function untaught(where: string): RenderChat {
  return () => {
    throw missing(where, "chat_template", "set family to base or solver, or give a chat model");
  };
}

function endToken(configJson: string, tokenizer: Tokenizer, where: string): number {
  const eos = TokenizerConfig.safeParse(JSON.parse(configJson)).data?.eos_token;
  const id = eos == null ? undefined : tokenizer.idOf(typeof eos === "string" ? eos : eos.content);
  if (id === undefined)
    throw missing(where, "eos_token", "name the token that ends a response in tokenizer_config.json");
  return id;
}

function missing(where: string, what: string, next: string): PromptCotError {
  const message = `${where}: the tokenizer's files name no ${what}`;
  return new PromptCotError({ boundary: "config", code: "no-template", message, next });
}
