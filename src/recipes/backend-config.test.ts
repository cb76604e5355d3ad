import { describe, expect, it } from "vitest";
import { messageOf } from "../core/errors.ts";
import { fullRoles } from "./backend-config.ts";
import { configJsonSchema, resolveConfig } from "./config.ts";

const vllm = {
  kind: "openai",
  url: "http://127.0.0.1:8000/v1",
  model: "prior",
  dialect: "vllm",
  score: true,
  weights: { kind: "served" },
};
const hosted = {
  ...{ kind: "openai", url: "https://api.example.com/v1", model: "big", dialect: "generic" },
  weights: { kind: "pinned", provider: "example", version: "big-2026-08-01" },
};
const managed = { ...vllm, server: { command: "vllm serve {checkpoint} --port {port}", devices: [0] } };

const resolve = (config: object) => resolveConfig(config, [], "c.json");
const refusal = (config: object): string => {
  try {
    resolve(config);
  } catch (error) {
    return messageOf(error);
  }
  throw new Error("it was accepted");
};
const withVllm = (backend: object, roles: object, more: object = {}) => ({
  backends: { vllm: backend },
  roles,
  ...more,
});

describe("backends and roles", () => {
  it("a key that is unknown is told the keys of its own kind, a value those that it may have, a credential where it belongs", () => {
    const trl = { kind: "trl", python: "p" };
    const unknown = refusal({ backends: { trl: { ...trl, learningRate: 1e-4 } } });
    expect(unknown).toContain('unknown key "backends.trl.learningRate"; known here: python, cpu, precision, ');
    expect(unknown).toContain("perDeviceBatch");
    expect(unknown).not.toMatch(/dialect|lanes|template/);
    expect(refusal({ backends: { trl: { ...trl, adapter: {} } } })).not.toContain("timeouts");
    expect(refusal(withVllm({ ...vllm, limits: { concurrency: 1 } }, {}))).toContain(
      "known here: inFlight, minInFlight",
    );
    expect(refusal(withVllm({ ...vllm, dialect: "vlm" }, {}))).toContain("must be one of vllm, sglang, generic");
    expect(refusal({ backends: { hosted: { ...hosted, key: "sk-1" } } })).toMatch(
      /never stands in a config: write .*"env"/,
    );
    expect(refusal({ backends: { trl: { ...trl, env: { HF_TOKEN: "x" } } } })).toContain(
      "in the environment of promptcot",
    );
  });

  it("a config without them is what it was, so that the manifests of old runs still fit", () => {
    expect(resolve({})).not.toHaveProperty("backends");
    expect(resolve({})).not.toHaveProperty("roles");
    expect(fullRoles(resolve({}))).toMatchObject({
      q: { sample: "embedded", train: "embedded" },
      p: { sample: "embedded", score: "embedded", train: "embedded" },
      ...{ solver: undefined, annotators: [] },
    });
  });

  it("who samples scores too where it can; otherwise the engine does", () => {
    const roles = { p: { sample: "vllm" } };
    expect(fullRoles(resolve(withVllm(managed, roles))).p).toEqual({
      reference: "embedded",
      sample: "vllm",
      score: "vllm",
      train: "embedded",
    });
    const blind = fullRoles(resolve(withVllm({ ...managed, score: false }, roles)));
    expect(blind.p.score).toBe("embedded");
  });

  it("a GGUF file answers in a role of its own; a gguf backend follows checkpoints too, and trains none", () => {
    const llama = { kind: "gguf", checkpoint: "models/small.gguf", lanes: 2 };
    const config = resolve({ backends: { llama }, roles: { q: { sample: "llama" }, teacher: "llama" } });
    expect(config.backends?.llama).toMatchObject({ kind: "gguf", lanes: 2, gpu: false });
    expect(fullRoles(config)).toMatchObject({ q: { sample: "llama", train: "embedded" }, teacher: "llama" });
    expect(refusal({ backends: { llama }, roles: { q: { train: "llama" } } })).toMatch(
      /"llama" \(gguf\) does not train/,
    );
    expect(refusal({ backends: { llama: { kind: "gguf" } }, roles: { teacher: "llama" } })).toMatch(/checkpoint/);
    expect(refusal({ backends: { llama: { ...llama, lane: 2 } } })).toMatch(/lane/);
  });

  it("is whole after parsing, and parses to itself", () => {
    const config = resolve(withVllm(managed, { q: { sample: "vllm" } }));
    expect(resolve(config)).toEqual(config);
    expect(config.backends?.vllm).toMatchObject({ server: { health: "/health", idle: "stop", restarts: 3 } });
  });

  it.each([
    [
      "an unknown name",
      withVllm(managed, { q: { sample: "vlm" } }),
      'roles.q.sample: unknown backend "vlm". Did you mean "vllm"?',
    ],
    [
      "an unknown role",
      withVllm(managed, { annotator: ["vllm"] }),
      'unknown key "roles.annotator". Did you mean "roles.annotators"?',
    ],
    [
      "an unknown key of a backend",
      withVllm({ ...managed, dialekt: "x" }, {}),
      'unknown key "backends.vllm.dialekt". Did you mean "backends.vllm.dialect"?',
    ],
    [
      "an unknown key of a server",
      withVllm({ ...vllm, server: { command: "x", device: [0] } }, {}),
      'Did you mean "backends.vllm.server.devices"?',
    ],
    ["an unknown kind", withVllm({ kind: "vllm" }, {}), "backends.vllm.kind: must be one of embedded, gguf, openai"],
    [
      "a server that trains",
      withVllm(managed, { q: { train: "vllm" } }),
      'roles.q.train: "vllm" (openai) does not train',
    ],
    [
      "a server that does not score",
      withVllm({ ...managed, score: false }, { p: { score: "vllm" } }),
      "set backends.vllm.score to true",
    ],
    [
      "a hosted model that is to be trained",
      withVllm(hosted, { q: { sample: "vllm" } }),
      "cannot take the checkpoints that training makes",
    ],
    ["a fixed server for changing weights", withVllm(vllm, { q: { sample: "vllm" } }), "give backends.vllm.server"],
    [
      "adapters without a base",
      withVllm({ ...vllm, weights: { kind: "lora", name: "q" } }, { q: { sample: "vllm" } }),
      "model.from",
    ],
    [
      "adapters from a trainer that makes none",
      withVllm(
        { ...managed, weights: { kind: "lora", name: "q" } },
        { q: { sample: "vllm" } },
        { model: { from: "base" } },
      ),
      'roles.q.train: "vllm" holds adapters, and "embedded" makes none',
    ],
    ["an annotator without a model", withVllm(vllm, { annotators: ["vllm"] }), "brings no model of its own"],
    [
      "the engine as an annotator without a model",
      { roles: { annotators: ["embedded"] } },
      "brings no model of its own",
    ],
    [
      "five annotators",
      { backends: { a: hosted }, roles: { annotators: ["a", "a", "a", "a", "a"] } },
      "roles.annotators",
    ],
    ["a managed server elsewhere", withVllm({ ...managed, url: "http://gpu-7:8000/v1" }, {}), "127.0.0.1"],
    [
      "sleep where nothing can sleep",
      withVllm({ ...managed, dialect: "generic", server: { command: "x", idle: "sleep" } }, {}),
      "put to sleep",
    ],
    [
      "a credential in the server's environment",
      withVllm({ ...vllm, server: { command: "x", env: { HF_TOKEN: "hf_x" } } }, {}),
      "credentials",
    ],
  ])("%s is refused with a way out", (_, config, message) => {
    expect(refusal(config)).toContain(message);
  });

  it("a hosted model may annotate, label and teach", () => {
    const roles = { annotators: ["big"], labeller: "big", teacher: "big" };
    const seeds = { recipe: "seeds", seeds: { file: "seeds.jsonl" } };
    expect(resolve({ ...seeds, backends: { big: hosted }, roles }).roles).toEqual(roles);
    expect(refusal({ backends: { big: hosted }, roles })).toContain("annotators of its own");
    const twice = { annotators: ["big", "big"] };
    expect(refusal({ ...seeds, backends: { big: hosted }, roles: twice })).toContain("named twice");
  });

  it("a given model takes the place of sizes, which are then refused", () => {
    expect(resolve({ model: { from: "qwen" } }).model).toEqual({ from: "qwen", contextLength: 4096 });
    expect(refusal({ model: { from: "qwen", layers: 3 } })).toContain('unknown key "model.layers"');
    expect(refusal({ model: { hiddensize: 3 } })).toContain('Did you mean "model.hiddenSize"?');
  });

  it("the editor's schema knows them", () => {
    const text = JSON.stringify(configJsonSchema());
    for (const key of ["backends", "annotators", "inFlightTokens", "stopSeconds", "from"])
      expect(text).toContain(`"${key}"`);
  });
});
