/** `/chat/completions`, which the three dialects share but for a few fields. */
import type { Json } from "../../../core/hash.ts";
import type { ChatMessage, SampleRequest, SampleResult } from "../../contract.ts";
import type { Tokens } from "../../meter.ts";
import { mostOf, uncounted } from "../cost.ts";
import { partReasoning, type ReasoningFormat } from "../reasoning.ts";
import { type Question, type Reading, type Setting, type Unaskable, wireMessages } from "./contract.ts";
import { Chat, parseReply, readContent, sampled, unusable } from "./replies.ts";
import { refusedByOmission, withoutOmitted } from "./shared.ts";
import { chatSize } from "./sizes.ts";

export interface ChatFlavour {
  /** Endpoint class. */
  endpoint: string;
  /** Fields beyond OpenAI's own. */
  extra: { [field: string]: Json };
  defaultMaxTokensField: "max_tokens" | "max_completion_tokens";
  /** Whether token ids and their log-probabilities were asked for. */
  ids: boolean;
}

export function chatQuestion(
  request: SampleRequest,
  messages: readonly ChatMessage[],
  setting: Setting,
  flavour: ChatFlavour,
): Question<SampleResult> | Unaskable {
  const { options } = setting;
  const refused = refusedByOmission(request, setting);
  if (refused !== undefined) return refused;
  // By the alphabet, as the ledger's key wants them: it then need not sort.
  const fields = {
    ...options.body,
    ...flavour.extra,
    [options.maxTokensField ?? flavour.defaultMaxTokensField]: request.maxTokens,
    n: 1,
    ...(request.stop.texts?.length ? { stop: request.stop.texts } : {}),
    ...(request.stop.ids?.length ? { stop_token_ids: request.stop.ids } : {}),
    stream: false,
    temperature: request.temperature,
    top_p: request.topP,
  };
  const parameters = withoutOmitted(fields, setting);
  const prompt = wireMessages(messages);
  const { seed } = request;
  const seeded = withoutOmitted({ seed }, setting);
  const size = chatSize(messages, request.maxTokens, setting.framing);
  return {
    id: request.id,
    path: `${setting.paths.api}/chat/completions`,
    endpoint: flavour.endpoint,
    prompt,
    // How reasoning is parted is a matter of reading, not of asking: it is no part of the key.
    parameters,
    seed,
    body: (model) => JSON.stringify({ model, messages: prompt, ...parameters, ...seeded }),
    ...size,
    read: (raw) => {
      const format = options.reasoning;
      const withLogprobs = flavour.ids && setting.sampleLogprobs;
      return readChat(raw, request, { format, withLogprobs, most: uncounted(raw, mostOf(size)) });
    },
  };
}

function readChat(
  raw: string,
  request: SampleRequest,
  { format, withLogprobs, most }: { format: ReasoningFormat; withLogprobs: boolean; most: Tokens },
): Reading<SampleResult> {
  const parsed = parseReply(raw, Chat);
  if (!parsed.ok) return unusable(parsed.reason);
  const [choice] = parsed.value.choices;
  if (choice === undefined) return unusable("the reply has no choice");
  const { message } = choice;
  const { text: content, thoughts } = readContent(message.content);
  const told = message.reasoning ?? message.reasoning_content ?? thoughts;
  const parted =
    told === undefined || told === "" ? partReasoning(content, format) : { reasoning: told, text: content };
  return sampled({
    id: request.id,
    text: parted.text,
    reasoning: parted.reasoning,
    ids: choice.token_ids ?? undefined,
    logprobs: withLogprobs ? choice.logprobs?.content?.map(({ logprob }) => logprob) : undefined,
    finishReason: choice.finish_reason,
    usage: parsed.value.usage,
    most,
    model: parsed.value.model,
  });
}
