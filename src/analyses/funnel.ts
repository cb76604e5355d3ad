/** What became of many things that went through steps in a row: how many each step took, why, and a few of them. Pure. */
import { z } from "zod";

export const Funnel = z.strictObject({
  asked: z.number().int(),
  /** Every step, in order: how many it took, and how many were left after it. */
  steps: z.array(z.strictObject({ step: z.string(), dropped: z.number().int(), left: z.number().int() })),
  /** Why, the most frequent first; reasons that differ in numbers and quoted words alone are one. */
  reasons: z.array(
    z.strictObject({
      step: z.string(),
      reason: z.string(),
      count: z.number().int(),
      /** The first few. */
      examples: z.array(z.strictObject({ id: z.string(), text: z.string(), reason: z.string() })),
    }),
  ),
});
export type Funnel = z.infer<typeof Funnel>;

/** One thing that a step took. */
export interface Drop {
  step: string;
  reason: string;
  id: string;
  text: string;
}

const EXAMPLES = 3;
const EXAMPLE_LENGTH = 600;
/** Beyond so many different reasons, further ones are counted together. */
const MOST_REASONS = 200;

export interface FunnelTally {
  /** Counts one thing; undefined if no step took it. */
  add(drop: Drop | undefined): void;
  funnel(): Funnel;
}

/** @param steps all steps, in order; drops name one of them */
export function funnelTally(steps: readonly string[]): FunnelTally {
  let asked = 0;
  const dropped = new Map(steps.map((step) => [step, 0]));
  const reasons = new Map<string, Funnel["reasons"][number]>();

  function reasonOf({ step, reason }: Drop): Funnel["reasons"][number] {
    const kind = reasonKind(reason);
    const key = `${step}\n${kind}`;
    const found = reasons.get(key);
    if (found !== undefined) return found;
    const name = reasons.size < MOST_REASONS ? kind : "other reasons";
    const made = reasons.get(`${step}\n${name}`) ?? { step, reason: name, count: 0, examples: [] };
    reasons.set(`${step}\n${name}`, made);
    return made;
  }

  return {
    add(drop) {
      asked++;
      if (drop === undefined) return;
      const before = dropped.get(drop.step);
      if (before === undefined) throw new RangeError(`the funnel has no step "${drop.step}"`);
      dropped.set(drop.step, before + 1);
      const entry = reasonOf(drop);
      entry.count++;
      if (entry.examples.length < EXAMPLES)
        entry.examples.push({ id: drop.id, text: shortened(drop.text), reason: drop.reason });
    },
    funnel() {
      let left = asked;
      return {
        asked,
        steps: steps.map((step) => {
          const taken = dropped.get(step) as number;
          left -= taken;
          return { step, dropped: taken, left };
        }),
        reasons: [...reasons.values()].sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
      };
    },
  };
}

/** A reason without what tells its cases apart: numbers, quoted words, and what stands behind a colon within it. */
export function reasonKind(reason: string): string {
  return reason
    .replace(/"(?:[^"\\]|\\.)*"|“[^”]*”/g, "…")
    .replace(/-?\d+(?:[./]\d+)?/g, "n")
    .trim();
}

function shortened(text: string): string {
  return text.length > EXAMPLE_LENGTH ? `${text.slice(0, EXAMPLE_LENGTH - 1)}…` : text;
}
