/** Grades answers of mathematics: a verdict with its reason, the answer alone, equivalence, and a vote. Loads no engine. */
import { answersEqual, extractAnswer, gradeMath, majority } from "../src/domains/math/index.ts"; // from "promptcot/math"

const responses = [
  "<think>Perhaps 0.3?</think>So the probability is $\\boxed{\\frac{2}{6}}$.",
  "The answer is 0.33.",
  "It is one third.",
  "<think>Perhaps 1/3",
];
for (const response of responses) {
  const { verdict, stage, extracted, reason } = gradeMath(response, "\\frac{1}{3}");
  console.log(`${verdict.padEnd(8)} ${stage.padEnd(9)} ${String(extracted).padEnd(18)} ${reason}`);
}

console.log(
  gradeMath("The answer is 0.33.", "\\frac{1}{3}", { profile: "lenient" }).verdict,
  "under the profile lenient",
);
console.log(extractAnswer("First 12, then \\boxed{x \\in [2, 5)}, as asked."));
console.log(answersEqual("2 \\le x < 5", "[2, 5)"), answersEqual("(0, 1)", "[0, 1]"));

const { answer, votes, margin } = majority(["0.5", "\\frac12", "", "1/3", "50\\%"]);
console.log(`majority: ${answer} of ${votes} votes, margin ${margin}`);
