/**
 * What the server is asked, in the spelling of vLLM's OpenAI interface. Strict: a field that it would have to ignore is refused,
 * and a sampling parameter that llama.cpp is not given may only have its neutral value.
 */
import { z } from "zod";

const ids = z.array(z.int().nonnegative()).min(1);
const Stop = z.union([z.string(), z.array(z.string())]).nullish();

/** Parameters of sampling, and the neutral values of those that are not carried out. */
const Sampling = {
  model: z.string(),
  n: z.int().min(1).max(128).nullish(),
  seed: z.int().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  stop: Stop,
  stop_token_ids: z.array(z.int()).nullish(),
  return_token_ids: z.boolean().nullish(),
  stream: z.literal(false).nullish(),
  add_special_tokens: z.boolean().nullish(),
  top_k: z.union([z.literal(-1), z.literal(0)]).nullish(),
  min_p: z.literal(0).nullish(),
  presence_penalty: z.literal(0).nullish(),
  frequency_penalty: z.literal(0).nullish(),
  repetition_penalty: z.literal(1).nullish(),
  min_tokens: z.literal(0).nullish(),
  ignore_eos: z.literal(false).nullish(),
  skip_special_tokens: z.literal(true).nullish(),
  spaces_between_special_tokens: z.boolean().nullish(),
  include_stop_str_in_output: z.literal(false).nullish(),
  user: z.string().nullish(),
};

export const CompletionRequest = z.strictObject({
  ...Sampling,
  prompt: z.union([z.string(), z.array(z.string()).min(1), ids, z.array(ids).min(1)]),
  max_tokens: z.int().nonnegative().nullish(),
  echo: z.boolean().nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
  prompt_logprobs: z.int().min(0).max(20).nullish(),
  return_tokens_as_token_ids: z.boolean().nullish(),
});
export type CompletionRequest = z.infer<typeof CompletionRequest>;

export const ChatRequest = z.strictObject({
  ...Sampling,
  messages: z.array(z.object({ role: z.enum(["system", "user", "assistant"]), content: z.string() })).min(1),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
});
export type ChatRequest = z.infer<typeof ChatRequest>;

export const TokenizeRequest = z.strictObject({
  model: z.string().optional(),
  prompt: z.string(),
  add_special_tokens: z.boolean().nullish(),
  return_token_strs: z.boolean().nullish(),
});

export const DetokenizeRequest = z.strictObject({ model: z.string().optional(), tokens: z.array(z.int()) });

/** Something is wrong with the request; spelt as vLLM spells it. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  get body(): object {
    const type = { 400: "BadRequestError", 404: "NotFoundError" }[this.status] ?? "InternalServerError";
    return { error: { message: this.message, type, param: null, code: this.status } };
  }
}

/** @throws Refused with the place of the first mistake */
export function parse<T>(schema: z.ZodType<T>, text: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Refused(400, "the body is not JSON");
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Refused(400, `${issue?.path.join(".") || "body"}: ${issue?.message}`);
}
