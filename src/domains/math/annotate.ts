/** Annotates problems of competition mathematics by a language model. What is asked, and how it is read: `../annotation/`. */
import { type AnnotatorOptions, annotatorFor } from "../annotation/annotator.ts";
import type { Field } from "../annotation/instructions.ts";
import type { Annotator } from "../contract.ts";

const mathematics: Field = {
  expert:
    "You have taught competition mathematics for many years and have set problems for contests. You know the curriculum, and how problems grow out of it.",
  problem: "competition problem in mathematics",
  examples: ["Modular arithmetic", "Inclusion–exclusion principle", "Vieta's formulas"],
  pins: "every quantity and its value, every condition, every name and object of the setting, and exactly what is asked for, in the form in which the answer is wanted",
};

export function mathAnnotator(options: AnnotatorOptions): Annotator {
  return annotatorFor(mathematics, options);
}
