/** What an exchange costs, before it and after it. Knows tokens, not prices. */
import type { Tokens } from "../meter.ts";

/** The most that a question can cost: its prompt, and all that it may write. */
export function mostOf({ promptAtMost, wanted }: { promptAtMost: number; wanted: number }): Tokens {
  return { prompt: promptAtMost, completion: wanted };
}

/**
 * What a reply says of its tokens, in all dialects alike, whether or not it can be used. One that is not whole was written
 * nevertheless, so it counts as the most; a whole one without a count is an error message.
 */
export function costOf(raw: string, most: Tokens): Tokens {
  const prompt = lastCount(raw, "prompt_tokens");
  const completion = lastCount(raw, "completion_tokens");
  if (prompt !== undefined || completion !== undefined) return { prompt: prompt ?? 0, completion: completion ?? 0 };
  try {
    JSON.parse(raw);
    return { prompt: 0, completion: 0 };
  } catch {
    return most;
  }
}

/** Counts stand behind the text, which may speak of anything. */
function lastCount(raw: string, name: string): number | undefined {
  const at = raw.lastIndexOf(`"${name}"`);
  const digits =
    at < 0 ? undefined : /^"\s*:\s*(\d+)/.exec(raw.slice(at + name.length + 1, at + name.length + 24))?.[1];
  return digits === undefined ? undefined : Number(digits);
}
