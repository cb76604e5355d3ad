/** Weight files in Hugging Face layout, looked at by their headers alone. Loads no weights. */
import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { PromptCotError } from "../../core/errors.ts";

const WEIGHT_FILE = /^model.*\.safetensors(\.index\.json)?$|^pytorch_model.*\.bin(\.index\.json)?$/;

export function isWeightFile(name: string): boolean {
  return WEIGHT_FILE.test(name);
}

const Tensor = z.looseObject({ dtype: z.string(), shape: z.array(z.int().nonnegative()) });
const Header = z.record(z.string(), z.unknown());

type Tensors = Map<string, z.infer<typeof Tensor>>;

/** Names, types and shapes of a folder's weights. @throws PromptCotError `no-weights` */
async function tensorsIn(folder: string): Promise<Tensors> {
  const tensors: Tensors = new Map();
  const files = (await readdir(folder)).filter((name) => /^model.*\.safetensors$/.test(name)).sort();
  for (const name of files) {
    for (const [key, value] of Object.entries(await headerOf(join(folder, name)))) {
      if (key !== "__metadata__") tensors.set(key, Tensor.parse(value));
    }
  }
  if (tensors.size > 0) return tensors;
  throw new PromptCotError({
    boundary: "trainer",
    code: "no-weights",
    message: `${folder} holds no model*.safetensors`,
    next: "have the trainer write whole weights in safetensors form",
  });
}

async function headerOf(path: string): Promise<Record<string, unknown>> {
  const file = await open(path, "r");
  try {
    const length = Buffer.alloc(8);
    await file.read(length, 0, 8, 0);
    const header = Buffer.alloc(Number(length.readBigUInt64LE()));
    await file.read(header, 0, header.length, 8);
    return Header.parse(JSON.parse(header.toString("utf8")));
  } catch (cause) {
    throw new PromptCotError({
      boundary: "trainer",
      code: "bad-weights",
      message: `${path} is no safetensors file`,
      next: "look at the trainer's log, and train again",
      cause,
    });
  } finally {
    await file.close();
  }
}

/**
 * Whether the trained weights fit the start's config: same names and shapes.
 * @throws PromptCotError `other-weights`
 */
export async function checkWeights(start: string, trained: string): Promise<void> {
  const [before, after] = await Promise.all([tensorsIn(start), tensorsIn(trained)]);
  const wrong = [...after].find(([name, { shape }]) => shape.join() !== (before.get(name)?.shape ?? shape).join());
  const missing = [...before.keys()].find((name) => !after.has(name) && !TIED.has(name));
  const stray = [...after.keys()].find((name) => !before.has(name) && !TIED.has(name));
  const problem =
    (wrong && `"${wrong[0]}" has shape [${wrong[1].shape}], and [${before.get(wrong[0])?.shape}] at the start`) ??
    (missing && `"${missing}" is missing`) ??
    (stray && `"${stray}" is new`);
  if (problem === undefined) return;
  throw new PromptCotError({
    boundary: "trainer",
    code: "other-weights",
    message: `the trained weights do not fit the model that training started from: ${problem}`,
    next: "let the trainer neither resize embeddings nor wrap the model",
  });
}

/** A head that may be stored or left out where it is tied to the embeddings. */
const TIED = new Set(["lm_head.weight"]);

const DTYPES: Readonly<Record<string, string>> = { F32: "float32", BF16: "bfloat16", F16: "float16" };

/** The start's config with the type that the trained weights have, or undefined where it says so already. */
export async function configFor(config: string, weights: string): Promise<string | undefined> {
  const json = z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(config, "utf8")));
  const types = new Set([...(await tensorsIn(weights)).values()].map(({ dtype }) => DTYPES[dtype] ?? dtype));
  const [type] = types;
  if (types.size !== 1 || type === (json.dtype ?? json.torch_dtype)) return undefined;
  const { torch_dtype: _, ...rest } = json;
  return `${JSON.stringify({ ...rest, dtype: type }, null, 2)}\n`;
}
