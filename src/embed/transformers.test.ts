/** The sentence encoder over a stand-in for Transformers.js, which keeps its own settings object as the library does. */
import { beforeEach, expect, it, vi } from "vitest";
import { transformersEmbedder } from "./transformers.ts";

const library = vi.hoisted(() => ({
  env: { allowRemoteModels: true, allowLocalModels: false, localModelPath: "/models/", version: "4" },
  opened: [] as unknown[],
}));

vi.mock("@huggingface/transformers", () => ({
  env: library.env,
  pipeline: async (task: string, name: string, options: object) => {
    if (name === "broken") throw new Error("no such file");
    library.opened.push({ task, name, options, remote: library.env.allowRemoteModels });
    return async (texts: string[], options: object) => {
      expect(options).toEqual({ pooling: "mean", normalize: true });
      return { dims: [texts.length, 2], data: Float32Array.from(texts.flatMap((text) => [text.length, 0])) };
    };
  },
}));

beforeEach(() => void (library.opened.length = 0));

it("opens a folder without the network, in the library's own settings, and once", async () => {
  const embedder = transformersEmbedder({ model: "/data/encoders/mini", batchSize: 2 });
  const { count, dimensions, data } = await embedder.embed(["a", "bc", "def"], {});
  await embedder.embed(["a"], {});
  expect(library.env).toMatchObject({ allowRemoteModels: false, allowLocalModels: true });
  expect(library.env.localModelPath).toBe("/data/encoders/");
  expect(library.opened).toEqual([
    { task: "feature-extraction", name: "mini", options: { revision: "main", dtype: "fp32" }, remote: false },
  ]);
  expect({ count, dimensions, data: [...data] }).toEqual({ count: 3, dimensions: 2, data: [1, 0, 1, 0, 1, 0] });
});

it("takes another name from the Hub", async () => {
  await transformersEmbedder({ model: "Xenova/all-MiniLM-L6-v2", revision: "abc" }).embed(["a"], {});
  expect(library.opened).toMatchObject([
    { name: "Xenova/all-MiniLM-L6-v2", options: { revision: "abc" }, remote: true },
  ]);
});

it("says what a folder must hold where it cannot be opened", async () => {
  const opening = transformersEmbedder({ model: "./broken" }).embed(["a"], {});
  await expect(opening).rejects.toMatchObject({ code: "no-encoder", next: expect.stringContaining("onnx/model.onnx") });
});
