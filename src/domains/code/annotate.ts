/** Annotates programming problems by a language model. What is asked, and how it is read: `../annotation/`. */
import { type AnnotatorOptions, annotatorFor } from "../annotation/annotator.ts";
import type { Field } from "../annotation/instructions.ts";
import type { Annotator } from "../contract.ts";

const programming: Field = {
  expert:
    "You have taught algorithms and data structures for many years and have set problems for programming contests. You know the curriculum, and how problems grow out of it.",
  problem: "programming contest problem",
  examples: ["Binary search on the answer", "Disjoint-set union", "Prefix sums"],
  pins: "the story and its objects, the format of input and output line by line, every constraint with its bounds, the rule for ties and for impossible cases, the examples with their numbers, and exactly what the program has to print",
};

export function codeAnnotator(options: AnnotatorOptions): Annotator {
  return annotatorFor(programming, options);
}
