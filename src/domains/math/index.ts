/**
 * Math answers: extraction from a response, equivalence, grading and majority. Sub-path `promptcot/math`: pure functions without
 * dependencies at run time, with a bounded budget of work; they never throw. See docs/design/math-grader.md for the policies.
 */
export { answersEqual, extractAnswer, type GradeOptions, gradeMath } from "./grade.ts";
export { type Cluster, type Majority, majority } from "./majority.ts";
export type { ProfileName, Rules } from "./profiles.ts";
