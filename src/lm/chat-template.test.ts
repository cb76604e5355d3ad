import { describe, expect, it } from "vitest";
import { chatOf, chatTemplateOf, promptIds } from "./chat-template.ts";
import { wordTokenizer } from "./word-tokenizer.ts";

const files = (config: object, chatTemplate?: string) => ({
  ...{ tokenizerJson: "{}", tokenizerConfigJson: JSON.stringify(config) },
  ...(chatTemplate === undefined ? {} : { chatTemplate }),
});
const asks = [{ role: "user", content: "add" }] as const;

describe("where a chat template stands", () => {
  it.each<[string, object, string | undefined, string | undefined]>([
    ["nowhere", {}, undefined, undefined],
    ["nowhere, said so", { chat_template: null }, undefined, undefined],
    ["in tokenizer_config.json", { chat_template: "old" }, undefined, "old"],
    ["in a file of its own", {}, "new", "new"],
    ["in both: the file is the newer place", { chat_template: "old" }, "new", "new"],
    [
      "among several",
      {
        chat_template: [
          { name: "tool_use", template: "tools" },
          { name: "default", template: "plain" },
        ],
      },
      undefined,
      "plain",
    ],
    [
      "among several, none of which is the usual one",
      { chat_template: [{ name: "rag", template: "r" }] },
      undefined,
      undefined,
    ],
  ])("%s", (_, config, own, expected) => {
    expect(chatTemplateOf(files(config, own))).toBe(expected);
  });
});

describe("messages", () => {
  it("are rendered with the special tokens that the files name, however they spell them", () => {
    const config = { bos_token: { content: "<s>", lstrip: false }, eos_token: "</s>", pad_token: null, unk_token: 7 };
    const template =
      "{{ bos_token }}{% for m in messages %}{{ m.role }}={{ m.content }}{{ eos_token }}{% endfor %}" +
      "{% if add_generation_prompt %}>{% endif %}{{ pad_token }}{{ unk_token }}";
    expect(chatOf(files(config, template), "here")?.(asks)).toBe("<s>user=add</s>>");
  });

  it("become ids as text does, and a failure is the item's", () => {
    const tokenizer = wordTokenizer(["user", "add"]);
    const prompt = { kind: "messages", messages: asks } as const;
    const ids = (template: string) => promptIds(prompt, tokenizer, chatOf(files({}, template), "here"), "the file");
    expect(ids("{% for m in messages %}{{ m.role }} {{ m.content }}{% endfor %}")).toEqual(
      tokenizer.encode("user add"),
    );
    expect(ids("{{ raise_exception('no system role') }}")).toEqual({
      reason: expect.stringMatching(/chat template of here failed: .*no system role/),
    });
    expect(ids("{% for %}")).toEqual({ reason: expect.stringMatching(/chat template of here failed/) });
    expect(promptIds(prompt, tokenizer, undefined, "the file")).toEqual({
      reason: "the file has no chat template: give the prompt as text or ids",
    });
    expect(() => chatOf(files({}, "{% for %}"), "here")?.(asks)).toThrow(/bad-chat-template|failed/);
  });
});
