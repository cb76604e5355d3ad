import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WorkEvent } from "../../core/events.ts";
import type { Checkpoint, SampleRequest, SampleResult, Text } from "../contract.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { embedded } from "./index.ts";
import { untrained } from "./small-model.case.ts";

const engine = embedded({ slots: 2 });
let folder: string;
let plain: Checkpoint;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-open-"));
  plain = (await untrained(folder)).checkpoint;
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

const ask = (prompt: Text): SampleRequest => ({
  ...{ id: "x", prompt, maxTokens: 5, temperature: 0, topP: 1, stop: {}, seed: 1 },
});

async function sample(checkpoint: Checkpoint, request: SampleRequest, events: WorkEvent[] = []): Promise<SampleResult> {
  const model = await engine.open(checkpoint);
  const results = await Array.fromAsync(model.sampler!.sample([request], { onEvent: (event) => events.push(event) }));
  await model.close();
  return results[0]!;
}

/** The untrained checkpoint with other members in its tokenizer_config.json. */
async function configured(name: string, members: object): Promise<Checkpoint> {
  const content = await readCheckpoint(plain.path);
  const config = { ...JSON.parse(content.tokenizer.tokenizerConfigJson), ...members };
  const tokenizer = { ...content.tokenizer, tokenizerConfigJson: JSON.stringify(config) };
  return writeCheckpoint(join(folder, name), { ...content, tokenizer });
}

describe("an open checkpoint", () => {
  it("reads messages by the checkpoint's chat template", async () => {
    const template =
      "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}A{% endif %}";
    const chat = await configured("chat", { chat_template: template });
    const found = await sample(chat, ask({ kind: "messages", messages: [{ role: "user", content: "Add 3" }] }));
    const same = await sample(plain, ask({ kind: "text", text: "user: Add 3\nA" }));
    expect(found).toEqual(same);
    expect(found.ok && found.usage.promptTokens).toBeGreaterThan(3);
  });

  it("reads a template that has a file of its own, which is part of the checkpoint's content", async () => {
    const content = await readCheckpoint(plain.path);
    const write = (name: string, chatTemplate: string) =>
      writeCheckpoint(join(folder, name), { ...content, tokenizer: { ...content.tokenizer, chatTemplate } });
    const chat = await write("jinja", "{% for m in messages %}{{ m.content }}{% endfor %}");
    expect(await readFile(join(chat.path, "chat_template.jinja"), "utf8")).toContain("{{ m.content }}");
    const found = await sample(chat, ask({ kind: "messages", messages: [{ role: "user", content: "Add 3" }] }));
    expect(found).toEqual(await sample(plain, ask({ kind: "text", text: "Add 3" })));
    const other = await write("other-jinja", "{% for m in messages %}{{ m.role }}{% endfor %}");
    expect(new Set([plain.hash, chat.hash, other.hash]).size).toBe(3);
    await writeFile(join(chat.path, "chat_template.jinja"), "changed");
    await expect(engine.open(chat)).rejects.toMatchObject({ code: "checkpoint-changed" });
  });

  it.each<[string, Text, RegExp]>([
    ["messages without a template", { kind: "messages", messages: [] }, /no chat template/],
    ["an empty prompt", { kind: "text", text: "" }, /empty/],
    ["an id outside the vocabulary", { kind: "ids", ids: [1, 5000] }, /5000/],
    ["no room in the context", { kind: "ids", ids: new Array(96).fill(9) }, /no room in a context of 96/],
  ])("fails an item with a reason: %s", async (_, prompt, reason) => {
    expect(await sample(plain, ask(prompt))).toEqual({
      ...{ ok: false, id: "x", boundary: "backend" },
      reason: expect.stringMatching(reason),
    });
  });

  it("fills the context to its last token, and not beyond", async () => {
    const prompt = { kind: "ids", ids: new Array(90).fill(9) } as const;
    const found = await sample(plain, { ...ask(prompt), maxTokens: 50, temperature: 1 });
    expect(found).toMatchObject({ ok: true, finish: "length", usage: { promptTokens: 90, completionTokens: 6 } });
  });

  it("fails scores that cannot be given, with a reason", async () => {
    const model = await engine.open(plain);
    const requests = [
      { id: "empty", prefix: [1], completion: [] },
      { id: "long", prefix: new Array(50).fill(1), completion: new Array(47).fill(1) },
      { id: "stray", prefix: [1], completion: [-1] },
      { id: "full", prefix: [1], completion: new Array(95).fill(1) },
    ];
    const results = await Array.fromAsync(model.scorer!.score(requests, {}));
    const reasons = Object.fromEntries(results.map((result) => [result.id, result.ok ? "ok" : result.reason]));
    expect(reasons).toEqual({
      empty: expect.stringMatching(/empty/),
      long: expect.stringMatching(/97 tokens/),
      stray: expect.stringMatching(/-1/),
      full: "ok",
    });
    await model.close();
  });

  it("has another identity where slots may change last bits, and the same at any number of threads", async () => {
    const identity = async (options: Parameters<typeof embedded>[0]) => {
      const other = embedded(options);
      const model = await other.open(plain);
      await model.close();
      await other.close();
      return model.identity;
    };
    const base = await identity({});
    expect(await identity({ saveEvery: 7 })).toBe(base);
    expect(await identity({ threads: 2 })).toBe(base);
    expect(await identity({ slots: 3 })).not.toBe(base);
  });

  it("reports progress", async () => {
    const events: WorkEvent[] = [];
    await sample(plain, ask({ kind: "text", text: "Add" }), events);
    expect(events).toEqual([{ kind: "progress", done: 1, total: 1, unit: "samples" }]);
  });
});
