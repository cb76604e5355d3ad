import { describe, expect, it } from "vitest";
import { familyNames, familyOf, promptFor } from "./families.ts";

const math = { kind: "math", problem: "What is 1+1?" } as const;
const content = (prompt: ReturnType<typeof promptFor>) =>
  prompt.text.kind === "messages"
    ? prompt.text.messages.map(({ role, content }) => `${role}: ${content}`)
    : prompt.text;

describe("prompts", () => {
  it("ask for a boxed answer, where each family expects it", () => {
    expect(content(promptFor("chat", math))).toEqual([
      "user: What is 1+1?\n\nPlease reason step by step, and put your final answer within \\boxed{}.",
    ]);
    expect(content(promptFor("qwen2.5", math))).toEqual([
      "system: Please reason step by step, and put your final answer within \\boxed{}.",
      "user: What is 1+1?",
    ]);
    expect(promptFor("base", math)).toMatchObject({
      text: {
        kind: "text",
        text: expect.stringMatching(/^Problem:\nWhat is 1\+1\?\n\nPlease reason.*\n\nSolution:\n$/s),
      },
      stop: { texts: ["\n\nProblem:"] },
    });
    expect(promptFor("solver", { kind: "pocket", problem: "What is 1+1?" })).toEqual({
      text: { kind: "text", text: "<|given|>What is 1+1?<|solution|>" },
      stop: { tokens: ["<|end|>"] },
    });
    for (const family of familyNames)
      expect(promptFor(family, { kind: "function", head: "def f():" }).text).toBeDefined();
  });

  it("leave published instructions for programs alone, and give one where there is none", () => {
    const own = "Question: add.\n```python\n# YOUR CODE HERE\n```";
    expect(content(promptFor("chat", { kind: "program", problem: own }))).toEqual([`user: ${own}`]);
    expect(content(promptFor("qwen2.5", { kind: "program", problem: own }))).toEqual([`user: ${own}`]);
    const [asked] = content(promptFor("chat", { kind: "program", problem: "Add." })) as string[];
    expect(asked).toContain("reads the input from stdin");
    const starter = promptFor("chat", { kind: "program", problem: "Add.", starter: "class Solution:" });
    expect((content(starter) as string[])[0]).toContain("```python\nclass Solution:\n```");
    const base = promptFor("base", { kind: "program", problem: "Add." });
    expect(base.complete?.("print(3)\n")).toBe("```python\nprint(3)\n```");
  });

  it("put a completed function behind its head, so that imports and helpers stay", () => {
    const head = 'import math\n\ndef area(r):\n    """The area."""\n';
    const chat = promptFor("chat", { kind: "function", head });
    expect((content(chat) as string[])[0]).toContain(`\`\`\`python\n${head.trimEnd()}\n\`\`\``);
    expect(chat.complete?.("Sure:\n```python\ndef area(r):\n    return math.pi * r * r\n```\n")).toBe(
      `\`\`\`python\n${head}\n\ndef area(r):\n    return math.pi * r * r\n\`\`\``,
    );
    expect(chat.complete?.("I cannot.")).toBe("I cannot.");
    const base = promptFor("base", { kind: "function", head });
    expect(base.complete?.("    return math.pi * r * r\n")).toBe(
      `\`\`\`python\n${head}    return math.pi * r * r\n\`\`\``,
    );
  });
});

describe("the family of a model", () => {
  const of = (name: string, tokens: string[], hasChatTemplate: boolean) =>
    familyOf({ name, hasToken: (token) => tokens.includes(token), hasChatTemplate });
  it("is told by its own files", () => {
    expect(of("runs/x/solver", ["<|solution|>"], false)).toBe("solver");
    expect(of("Qwen/Qwen3-4B", [], true)).toBe("chat");
    expect(of("Qwen2.5-7B-Instruct", [], true)).toBe("qwen2.5");
    expect(of("Qwen2.5-7B", [], false)).toBe("base");
  });
});
