/**
 * Opens the run's base model once on every engine that q and p will be sampled and scored by, before anything is trained: what an
 * engine lacks shows now and not after hours of training. Asks no question of the run's own.
 */
import { z } from "zod";
import { PromptCotError } from "../core/errors.ts";
import type { Backend } from "../lm/contract.ts";
import { journaled, type StageContext } from "../stages/stage.ts";
import { withTokenizer } from "./backends.ts";
import type { Foundation } from "./foundation.ts";

/** What an engine was found to be. */
const Tried = z.strictObject({ name: z.string(), contextLength: z.number().int() });

/** Done once in a run. @throws PromptCotError `other-tokenizer`, `context-too-short`, and those of opening */
export async function tryEngines(
  context: StageContext,
  { base, tokenizer }: Foundation,
  engines: ReadonlyMap<string, Backend>,
  contextLength: number,
): Promise<void> {
  const tried = await journaled(context, {
    ...{ journal: "engines", schema: Tried, version: 1, unit: "engines" },
    items: [...engines],
    shardSize: 1,
    worker: async (shard) => {
      const found: z.infer<typeof Tried>[] = [];
      for (const [name, backend] of shard.items) {
        const model = await withTokenizer(backend, tokenizer).open(base, context);
        await model.close();
        found.push({ name, contextLength: model.contextLength });
      }
      return found;
    },
  });
  for await (const { name, contextLength: held } of tried) {
    if (held < contextLength) throw tooShort(name, held, contextLength);
  }
}

function tooShort(name: string, held: number, wanted: number): PromptCotError {
  return new PromptCotError({
    boundary: "config",
    code: "context-too-short",
    message: `${name} holds ${held} tokens, and model.contextLength is ${wanted}`,
    next: `start its server with room for ${wanted} tokens, or set model.contextLength to ${held} in a new run`,
  });
}
