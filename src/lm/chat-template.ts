/**
 * Messages as the text that a model was taught to read: by the chat template of its files, for engines that run here. A server
 * renders messages itself and never sees this.
 */
import { Template } from "@huggingface/jinja";
import { z } from "zod";
import { messageOf, PromptCotError } from "../core/errors.ts";
import type { ChatMessage, Text, TokenIds, Tokenizer } from "./contract.ts";
import type { TokenizerFiles } from "./embedded/bpe.ts";

export type RenderChat = (messages: readonly ChatMessage[]) => string;

const TemplateConfig = z.looseObject({
  chat_template: z.union([z.string(), z.array(z.looseObject({ name: z.string(), template: z.string() }))]).nullish(),
});
const Config = z.record(z.string(), z.unknown());
const Token = z.union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)]);

/** Names under which templates know special tokens. */
const SPECIAL = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"] as const;

/**
 * The chat template of a tokenizer's files, as transformers chooses it: `chat_template.jinja` where it is there, else the one in
 * `tokenizer_config.json`, of several that named `default`. Undefined where there is none.
 */
export function chatTemplateOf({ chatTemplate, tokenizerConfigJson }: TokenizerFiles): string | undefined {
  if (chatTemplate !== undefined) return chatTemplate;
  const found = TemplateConfig.safeParse(JSON.parse(tokenizerConfigJson)).data?.chat_template;
  if (found == null || typeof found === "string") return found ?? undefined;
  return found.find(({ name }) => name === "default")?.template;
}

/** Renders by the chat template of the files, which is given their special tokens; undefined where they have none. */
export function chatOf(files: TokenizerFiles, where: string): RenderChat | undefined {
  const template = chatTemplateOf(files);
  return template === undefined ? undefined : renderChat(template, specialTexts(files.tokenizerConfigJson), where);
}

function specialTexts(tokenizerConfigJson: string): Record<string, string> {
  const config = Config.parse(JSON.parse(tokenizerConfigJson));
  return Object.fromEntries(
    SPECIAL.flatMap((name) => {
      const token = Token.safeParse(config[name]);
      return token.success ? [[name, token.data]] : [];
    }),
  );
}

/**
 * @param where The model, for messages.
 * @returns what throws PromptCotError `bad-chat-template` where the template cannot be read, or refuses the messages: a model
 * that is given ids alone never needs one
 */
export function renderChat(template: string, special: Readonly<Record<string, string>>, where: string): RenderChat {
  let compiled: Template | undefined;
  return (messages) => {
    try {
      compiled ??= new Template(template);
      return compiled.render({ messages: [...messages], add_generation_prompt: true, ...special });
    } catch (cause) {
      throw new PromptCotError({
        boundary: "data",
        code: "bad-chat-template",
        message: `the chat template of ${where} failed: ${messageOf(cause)}`,
        next: "give the prompt as text or ids, or serve the model, which then renders messages itself",
        cause,
      });
    }
  };
}

/** A prompt's ids, or why there are none. @param holder what should have held a template: `the file` */
export function promptIds(
  prompt: Text,
  tokenizer: Tokenizer,
  render: RenderChat | undefined,
  holder: string,
): TokenIds | { reason: string } {
  switch (prompt.kind) {
    case "ids":
      return prompt.ids;
    case "text":
      return tokenizer.encode(prompt.text);
    case "messages": {
      if (!render) return { reason: `${holder} has no chat template: give the prompt as text or ids` };
      try {
        return tokenizer.encode(render(prompt.messages));
      } catch (error) {
        if (!(error instanceof PromptCotError)) throw error;
        return { reason: error.message };
      }
    }
    default:
      return prompt satisfies never;
  }
}
