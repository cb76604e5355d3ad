/**
 * Vectors from a sentence encoder in ONNX form, run here through Transformers.js (the optional package @huggingface/transformers).
 * Mean pooling over tokens, then length 1, as all-MiniLM-L6-v2 and its like were trained.
 */
import { isAbsolute, resolve, sep } from "node:path";
import { z } from "zod";
import { messageOf, PromptCotError, throwIfStopped } from "../core/errors.ts";
import { contentId } from "../core/hash.ts";
import { type Embedder, normalise } from "./contract.ts";

export interface TransformersOptions {
  /** A folder on disk (begins with `.` or `/`), or a model of the Hub, for example `Xenova/all-MiniLM-L6-v2`. */
  model: string;
  /** Revision on the Hub; name a commit to pin it. */
  revision?: string;
  /** Precision of the weights. */
  dtype?: "fp32" | "fp16" | "q8";
  batchSize?: number;
}

const PACKAGE = "@huggingface/transformers";

type Anything = (...values: unknown[]) => unknown;
const isFunction = z.custom<Anything>((value) => typeof value === "function", "a function is needed");

const Settings = z.object({
  allowRemoteModels: z.boolean(),
  allowLocalModels: z.boolean(),
  localModelPath: z.string(),
});
type Settings = z.infer<typeof Settings>;

const Library = z.object({
  pipeline: isFunction,
  // The object itself, not what a schema makes of it: it is set below, and the library looks at its own.
  env: z.custom<Settings>((value) => Settings.safeParse(value).success, "its settings are not known"),
});
const Tensor = z.object({ dims: z.tuple([z.number().int(), z.number().int()]), data: z.instanceof(Float32Array) });

/** Whether the optional package is installed. */
export async function transformersInstalled(): Promise<boolean> {
  return import(PACKAGE).then(
    () => true,
    () => false,
  );
}

/** @throws PromptCotError `environment`/`no-transformers` if the package is not installed, `backend`/`no-encoder` if the model cannot be loaded */
export function transformersEmbedder(options: TransformersOptions): Embedder {
  const { model, revision = "main", dtype = "fp32", batchSize = 32 } = options;
  let opened: Promise<(texts: readonly string[]) => Promise<unknown>> | undefined;
  return {
    identity: `transformers-${contentId({ model, revision, dtype })}`,
    async embed(texts, { signal, onEvent }) {
      opened ??= open(model, revision, dtype);
      const encode = await opened;
      const parts: Float32Array[] = [];
      let dimensions = 0;
      for (let start = 0; start < texts.length; start += batchSize) {
        throwIfStopped(signal);
        const tensor = Tensor.parse(await encode(texts.slice(start, start + batchSize)));
        dimensions = tensor.dims[1];
        parts.push(tensor.data.slice());
        onEvent?.({
          kind: "progress",
          done: Math.min(texts.length, start + batchSize),
          total: texts.length,
          unit: "texts embedded",
        });
      }
      const data = new Float32Array(texts.length * dimensions);
      let at = 0;
      for (const part of parts) {
        data.set(part, at);
        at += part.length;
      }
      return normalise({ count: texts.length, dimensions, data });
    },
  };
}

async function open(
  model: string,
  revision: string,
  dtype: string,
): Promise<(texts: readonly string[]) => Promise<unknown>> {
  const library = await import(PACKAGE).then(
    (found) => Library.parse(found),
    (cause) => {
      throw new PromptCotError({
        boundary: "environment",
        code: "no-transformers",
        message: `a local sentence encoder needs the package ${PACKAGE}, which cannot be loaded: ${messageOf(cause)}`,
        next: `npm install ${PACKAGE}, or use the lexical embedder, which needs nothing`,
        cause,
      });
    },
  );
  const local = model.startsWith(".") || isAbsolute(model);
  let name = model;
  if (local) {
    const path = resolve(model);
    const cut = path.lastIndexOf(sep);
    library.env.localModelPath = path.slice(0, cut + 1);
    library.env.allowLocalModels = true;
    name = path.slice(cut + 1);
  }
  library.env.allowRemoteModels = !local;
  try {
    const encoder = isFunction.parse(await library.pipeline("feature-extraction", name, { revision, dtype }));
    return async (texts) => encoder(texts, { pooling: "mean", normalize: true });
  } catch (cause) {
    throw new PromptCotError({
      boundary: "backend",
      code: "no-encoder",
      message: `the sentence encoder ${model} cannot be loaded: ${messageOf(cause)}`,
      next: local
        ? "the folder must hold config.json, tokenizer.json and onnx/model.onnx"
        : "check the model's name and the network",
      cause,
    });
  }
}
