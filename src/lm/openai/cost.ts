/** What an exchange costs, before it and after it. Knows tokens, not prices. */
import { z } from "zod";
import type { Tokens } from "../meter.ts";

const NOTHING: Tokens = { prompt: 0, completion: 0 };

/** What a model wrote. */
const Written = z.union([z.object({ choices: z.array(z.unknown()).min(1) }), z.object({ text: z.string() })]);

/** The most that a question can cost: its prompt, and all that it may write. */
export function mostOf({ promptAtMost, wanted }: { promptAtMost: number; wanted: number }): Tokens {
  return { prompt: promptAtMost, completion: wanted };
}

/**
 * What a reply says of its tokens, in all dialects alike, whether or not it can be used. One without a count was written
 * nevertheless, whole or not, so it counts as the most; an error message and a web page cost nothing.
 */
export function costOf(raw: string, most: Tokens): Tokens {
  const prompt = lastCount(raw, "prompt_tokens");
  const completion = lastCount(raw, "completion_tokens");
  if (prompt !== undefined || completion !== undefined) return { prompt: prompt ?? 0, completion: completion ?? 0 };
  if (/^\s*</.test(raw)) return NOTHING;
  try {
    return Written.safeParse(JSON.parse(raw)).success ? uncounted(raw, most) : NOTHING;
  } catch {
    return most;
  }
}

/** What a whole answer without a count costs at most: no text has more tokens than bytes. */
export function uncounted(raw: string, most: Tokens): Tokens {
  return { prompt: most.prompt, completion: Math.min(most.completion, Buffer.byteLength(raw)) };
}

/** Counts stand behind the text, which may speak of anything. */
function lastCount(raw: string, name: string): number | undefined {
  const at = raw.lastIndexOf(`"${name}"`);
  const digits =
    at < 0 ? undefined : /^"\s*:\s*(\d+)/.exec(raw.slice(at + name.length + 1, at + name.length + 24))?.[1];
  return digits === undefined ? undefined : Number(digits);
}
