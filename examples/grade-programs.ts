/** Grades programs by their tests, each in a sandbox of its own; the same contract over other engines. Linux, with bubblewrap. */
import { gradeProgram } from "../src/domains/code/index.ts"; // from "promptcot/code"

const tests = [
  { input: "3\n1 2 3\n", output: "6\n" },
  { input: "2\n40 2\n", output: "42\n" },
];
const programs = {
  right: "input()\nprint(sum(map(int, input().split())))",
  wrong: "n = int(input())\nprint(2 * n)",
  slow: "while True:\n    pass",
  greedy: "x = [0] * 10**9",
  broken: "print(sum(",
};
for (const [name, code] of Object.entries(programs)) {
  const { verdict, reason, passed, tests: each } = await gradeProgram({ code, tests, limits: { cpuMs: 500 } });
  console.log(`${name.padEnd(7)} ${verdict.padEnd(8)} ${reason.padEnd(14)} ${passed} of ${each.length} tests`);
}

// A function is called with JSON values, one a line; what it returns is compared as Python would.
const response = "Divide:\n```python\ndef half(x):\n    return x / 2\n```\nfor instance 3 gives\n```\n1.5\n```";
const { verdict } = await gradeProgram({ response, fnName: "half", tests: [{ input: "3", output: "1.5" }] });
console.log(`half    ${verdict}`);
