/** The pocket domain: a miniature of competition mathematics whose every text an oracle can judge exactly. */
export { pocketAnnotators, vagueAnnotator } from "./annotate.ts";
export { type Combinations, heldOutCombinations, teachingOrder } from "./combinations.ts";
export { type ConceptName, conceptNames, concepts } from "./concepts.ts";
export { PocketSeed, pocketSeeds } from "./generate.ts";
export { finalAnswer, pocketGrader } from "./grade.ts";
export { type Level, levelOf, levels } from "./level.ts";
export { pocketOracle, type Reading, type ReadStep, readProblem } from "./oracle/read.ts";
export { skeletonOf } from "./oracle/skeleton.ts";
export { PlanStep } from "./plan.ts";
export { pocketSplit } from "./split.ts";
export { working } from "./workings.ts";
