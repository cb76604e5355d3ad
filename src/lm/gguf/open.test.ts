import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { WorkEvent } from "../../core/events.ts";
import type { Checkpoint, SampleRequest, SampleResult, Text } from "../contract.ts";
import { readCheckpoint, writeCheckpoint } from "../embedded/checkpoint.ts";
import { untrained } from "../embedded/small-model.case.ts";
import { type GgufConfig, gguf, ggufCheckpoint, libraryFacts, writeGguf } from "./index.ts";

// A model is loaded many times, which takes long on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
let source: Checkpoint;
let plain: Checkpoint;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-open-gguf-"));
  source = (await untrained(folder, { initializerRange: 0.3 })).checkpoint;
  plain = await writeGguf(source.path, join(folder, "plain.gguf"));
});
afterAll(() => rm(folder, { recursive: true }));

const ask = (prompt: Text, more: Partial<SampleRequest> = {}): SampleRequest => ({
  ...{ id: "x", prompt, maxTokens: 5, temperature: 0, topP: 1, stop: {}, seed: 1 },
  ...more,
});

async function sample(
  checkpoint: Checkpoint,
  requests: readonly SampleRequest[],
  options: GgufConfig = {},
): Promise<SampleResult[]> {
  const model = await gguf({ threads: 1, ...options }).open(checkpoint);
  const results = await Array.fromAsync(model.sampler!.sample(requests, {}));
  await model.close();
  return results;
}

describe("an open GGUF file", () => {
  it("reads messages by the file's chat template", async () => {
    const template =
      "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}A{% endif %}";
    const content = await readCheckpoint(source.path);
    const settings = { ...JSON.parse(content.tokenizer.tokenizerConfigJson), chat_template: template };
    const asked = ask({ kind: "messages", messages: [{ role: "user", content: "Add 3" }] });
    const [same] = await sample(plain, [ask({ kind: "text", text: "user: Add 3\nA" })]);
    // In either of the two places where a checkpoint may have it.
    for (const [name, place] of Object.entries({
      config: { tokenizerConfigJson: JSON.stringify(settings) },
      file: { chatTemplate: template },
    })) {
      const made = await writeCheckpoint(join(folder, name), {
        ...content,
        tokenizer: { ...content.tokenizer, ...place },
      });
      const chat = await writeGguf(made.path, join(folder, `${name}.gguf`));
      const [found] = await sample(chat, [asked]);
      expect(found).toEqual(same);
      expect(found?.ok && found.usage.promptTokens).toBeGreaterThan(3);
    }
  });

  it.each<[string, Text, RegExp]>([
    ["messages without a template", { kind: "messages", messages: [] }, /no chat template/],
    ["an empty prompt", { kind: "text", text: "" }, /empty/],
    ["an id outside the vocabulary", { kind: "ids", ids: [1, 5000] }, /5000/],
    ["no room in the context", { kind: "ids", ids: new Array(96).fill(9) }, /no room in a context of 96/],
  ])("fails an item with a reason: %s", async (_, prompt, reason) => {
    expect(await sample(plain, [ask(prompt)])).toEqual([
      { ok: false, id: "x", boundary: "backend", reason: expect.stringMatching(reason) },
    ]);
  });

  it("fills the context to its last token, and not beyond", async () => {
    const prompt = { kind: "ids", ids: new Array(90).fill(9) } as const;
    const [found] = await sample(plain, [ask(prompt, { maxTokens: 50, temperature: 1 })]);
    expect(found).toMatchObject({ ok: true, finish: "length", usage: { promptTokens: 90, completionTokens: 6 } });
    const [short] = await sample(plain, [ask(prompt)], { contextLength: 92 });
    expect(short).toMatchObject({ usage: { completionTokens: 2 } });
  });

  it("fails scores that cannot be given, with a reason", async () => {
    const model = await gguf({ threads: 1 }).open(plain);
    const requests = [
      { id: "empty", prefix: [1], completion: [] },
      { id: "long", prefix: new Array(50).fill(1), completion: new Array(47).fill(1) },
      { id: "stray", prefix: [1], completion: [-1] },
      { id: "full", prefix: [1], completion: new Array(95).fill(1) },
    ];
    const results = await Array.fromAsync(model.scorer!.score(requests, {}));
    expect(Object.fromEntries(results.map((result) => [result.id, result.ok ? "ok" : result.reason]))).toEqual({
      empty: expect.stringMatching(/empty/),
      long: expect.stringMatching(/97 tokens/),
      stray: expect.stringMatching(/-1/),
      full: "ok",
    });
    await model.close();
    await model.close();
  });

  it("reports loading and progress", async () => {
    const events: WorkEvent[] = [];
    const onEvent = (event: WorkEvent) => void events.push(event);
    const model = await gguf({ threads: 1 }).open(plain, { onEvent });
    const requests = [1, 2].map((i) => ask({ kind: "text", text: "Add" }, { id: `${i}` }));
    await Array.fromAsync(model.sampler!.sample(requests, { onEvent }));
    await model.close();
    expect(events).toContainEqual({ kind: "progress", done: 100, total: 100, unit: "% of the model loaded" });
    expect(events.slice(-2)).toEqual([1, 2].map((done) => ({ kind: "progress", done, total: 2, unit: "samples" })));
  });

  it("opens a checkpoint's folder as the file made of it, and leaves no file", async () => {
    const prompt = ask({ kind: "text", text: "Add 3" }, { temperature: 1, maxTokens: 20 });
    const before = (await readdir(tmpdir())).filter((name) => name.startsWith("promptcot-gguf-"));
    expect(await ggufCheckpoint(source.path)).toEqual(source);
    expect(await sample(source, [prompt])).toEqual(await sample(plain, [prompt]));
    const after = (await readdir(tmpdir())).filter((name) => name.startsWith("promptcot-gguf-"));
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
  });

  it("has another identity where an option may change last bits", async () => {
    const identity = async (options: GgufConfig) => {
      const model = await gguf({ threads: 1, ...options }).open(plain);
      await model.close();
      return model.identity;
    };
    const base = await identity({});
    expect(await identity({ lanes: 2 })).toBe(base);
    expect(await identity({ cache: "f16" })).not.toBe(base);
    expect(await identity({ threads: 2 })).not.toBe(base);
  });

  it("computes attention in float16 where the file is quantized, unless told otherwise", async () => {
    const bytes = await readFile(plain.path);
    const key = "general.file_type";
    bytes.writeUInt32LE(2, bytes.indexOf(key) + key.length + 4);
    const path = join(folder, "said-to-be-quantized.gguf");
    await writeFile(path, bytes);
    const quantized = await ggufCheckpoint(path);
    const request = ask({ kind: "text", text: "Add 3 and" }, { maxTokens: 20 });
    const by = async (options: GgufConfig) => {
      const [found] = await sample(quantized, [request], options);
      return found?.ok ? found.logprobs : found?.reason;
    };
    expect(await by({})).toEqual(await by({ cache: "f16" }));
    expect(await by({})).not.toEqual(await by({ cache: "f32" }));
  });

  it.each<[string, GgufConfig]>([
    ["with keys and values in float16", { cache: "f16" }],
    ["with a GPU asked for, where there may be none", { gpu: true }],
  ])("answers %s", async (_, options) => {
    const request = ask({ kind: "text", text: "Add 3 and" }, { maxTokens: 20, temperature: 0.5 });
    const [found] = await sample(plain, [request], options);
    const [expected] = await sample(plain, [request]);
    if (!found?.ok || !expected?.ok) throw new Error("not answered");
    expect(Math.abs(found.logprobs![0]! - expected.logprobs![0]!)).toBeLessThan(0.02);
    expect(found.usage).toEqual(expected.usage);
  });
});

describe("what cannot be opened", () => {
  it("says of a path what it is not", async () => {
    const text = join(folder, "text.gguf");
    await writeFile(text, "no model");
    await expect(ggufCheckpoint(text)).rejects.toMatchObject({ code: "no-gguf" });
    await expect(ggufCheckpoint(join(folder, "nothing"))).rejects.toMatchObject({ code: "no-gguf" });
    await expect(ggufCheckpoint(tmpdir())).rejects.toMatchObject({ code: "no-checkpoint" });
    const cut = join(folder, "cut.gguf");
    await writeFile(cut, "GGUF\u0003\0\0\0");
    await expect(gguf().open(await ggufCheckpoint(cut))).rejects.toMatchObject({ code: "bad-gguf" });
  });

  it("refuses a file that has changed since it was named", async () => {
    const file = await writeGguf(source.path, join(folder, "changing.gguf"));
    await writeFile(file.path, "GGUF and then something else");
    await expect(gguf().open(file)).rejects.toMatchObject({ code: "checkpoint-changed" });
  });

  it("names a mistyped option, and stops before it loads when told to", async () => {
    expect(() => gguf({ lane: 2 } as GgufConfig)).toThrow(/lane/);
    expect(() => gguf({ lanes: 0 })).toThrow(/lanes/);
    const open = gguf().open(plain, { signal: AbortSignal.abort() });
    await expect(open).rejects.toMatchObject({ name: "Stopped" });
  });

  it("says what to install where node-llama-cpp is missing", async () => {
    vi.resetModules();
    vi.doMock("node-llama-cpp", () => {
      throw new Error("Cannot find package 'node-llama-cpp'");
    });
    const fresh = await import("./index.ts");
    await expect(fresh.gguf().open(plain)).rejects.toMatchObject({
      code: "no-node-llama-cpp",
      next: expect.stringContaining("npm install node-llama-cpp"),
    });
    vi.doUnmock("node-llama-cpp");
    expect((await libraryFacts(false)).device).toBe("CPU");
  });
});
