/** Annotation by language models: what is asked, what is read, what is repaired, what is refused, over scripted models and a real client. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toyTokenizer } from "../../../test/servers/toy-model.ts";
import { type ToyServer, toyServer } from "../../../test/servers/toy-server.ts";
import { rng } from "../../core/rng.ts";
import { type LedgerKey, noLedger, type RawExchange } from "../../journal/ledger.ts";
import type { SampleRequest, Sampler } from "../../lm/contract.ts";
import { openai } from "../../lm/openai/backend.ts";
import { scripted } from "../../lm/scripted.ts";
import { codeAnnotator } from "../code/annotate.ts";
import { mathAnnotator } from "../math/annotate.ts";
import { conceptKey, mergedWordings, tidyConcept } from "./concepts.ts";
import { parseConcepts, parseRationale } from "./parse.ts";

const FIVE = ["Modular arithmetic", "Greatest common divisor", "Divisibility", "Linear equations", "Counting"];
const ACCOUNT =
  "Take a number that leaves remainders on division by two coprime moduli, five and seven, and let the remainders be three and four; ask for the least positive one.";
const GOOD = `<rationale>\n${ACCOUNT}\n</rationale>`;
const seed = { id: "s1", problem: "Find the least n with n ≡ 3 (mod 5) and n ≡ 4 (mod 7).", level: "AIME" };

/** A model that says these answers in turn, and keeps what it was asked. */
async function saying(
  ...answers: (string | { fail: string })[]
): Promise<{ sampler: Sampler; asked: SampleRequest[] }> {
  const asked: SampleRequest[] = [];
  const backend = scripted({
    tokenizer: toyTokenizer,
    answer(request) {
      asked.push(request);
      return answers[asked.length - 1] ?? { fail: "the script is over" };
    },
  });
  const { sampler } = await backend.open({ path: "script", hash: "script" }, {});
  return { sampler: sampler as Sampler, asked };
}

const options = (sampler: Sampler) => ({
  ...{ name: "model", sampler: async () => sampler, concepts: 5, temperature: 0.7, maxTokens: 2000 },
});
const annotate = async (sampler: Sampler, made = mathAnnotator) =>
  made(options(sampler)).annotate(seed, rng(1).fork("annotate"), {});
const content = (request: SampleRequest | undefined) =>
  request?.prompt.kind === "messages" ? request.prompt.messages.map((message) => message.content).join("\n") : "";

describe("an annotator", () => {
  it("asks for concepts, then for the rationale with concepts and level", async () => {
    const { sampler, asked } = await saying(JSON.stringify(FIVE), GOOD);
    expect(await annotate(sampler)).toEqual({ concepts: FIVE, rationale: ACCOUNT, level: "AIME" });
    expect(asked).toHaveLength(2);
    expect(content(asked[0])).toContain(seed.problem);
    expect(content(asked[0])).toContain("exactly 5 strings");
    expect(content(asked[1])).toContain("1. Modular arithmetic\n2. Greatest common divisor");
    expect(content(asked[1])).toContain("Difficulty level: AIME");
    expect(new Set(asked.map((request) => request.seed)).size).toBe(2);
  });

  it("math and code are told apart in what they ask", async () => {
    const [math, code] = [await saying(JSON.stringify(FIVE), GOOD), await saying(JSON.stringify(FIVE), GOOD)];
    await annotate(math.sampler, mathAnnotator);
    await annotate(code.sampler, codeAnnotator);
    expect(content(math.asked[0])).toContain("competition problem in mathematics");
    expect(content(code.asked[1])).toContain("the format of input and output");
  });

  it("asks once more, telling what was wrong, and takes the repaired answer", async () => {
    const { sampler, asked } = await saying("Sure! 1. Modular arithmetic", JSON.stringify(FIVE), ACCOUNT, GOOD);
    expect(await annotate(sampler)).toMatchObject({ concepts: FIVE, rationale: ACCOUNT });
    expect(asked).toHaveLength(4);
    expect(content(asked[1])).toContain("not a JSON array of strings");
    expect(content(asked[1])).toContain("Sure! 1. Modular arithmetic");
    expect(content(asked[3])).toContain("there is no <rationale>");
  });

  it("rejects what is wrong twice, with both reasons; and a request that failed, with its own", async () => {
    const twice = await saying("no", JSON.stringify(FIVE.slice(1)));
    expect(await annotate(twice.sampler)).toEqual({
      ...{ ok: false, boundary: "backend" },
      reason:
        "concepts, asked for twice: first it is not a JSON array of strings and nothing else; then it holds 4 concepts, not 5",
    });
    const failed = await saying({ fail: "HTTP 400: too long" });
    expect(await annotate(failed.sampler)).toMatchObject({ ok: false, reason: "HTTP 400: too long" });
  });

  it("tells an empty answer, and one that was all reasoning, from one that is no JSON", async () => {
    const empty = await saying("", JSON.stringify(FIVE), GOOD);
    expect(await annotate(empty.sampler)).toMatchObject({ concepts: FIVE });
    expect(content(empty.asked[1])).toContain("(no answer)\nThat answer cannot be used: it is empty.");
    const thinking: Sampler = {
      async *sample([request]) {
        const usage = { promptTokens: 9, completionTokens: 2000 };
        yield { ok: true, id: request?.id ?? "", text: "", reasoning: "hm ".repeat(9), finish: "length", usage };
      },
    };
    expect(await annotate(thinking)).toMatchObject({
      reason: expect.stringContaining(
        "first its reasoning took all of the 2000 tokens that it may write (maxTokens); then",
      ),
    });
  });

  it("over a server: raw answers are in the ledger before they are read, the useless ones too", async () => {
    const server: ToyServer = await toyServer({ dialect: "vllm" });
    const kept: string[] = [];
    const exchange: RawExchange = {
      ...noLedger,
      async keep(_: LedgerKey, raw: string) {
        kept.push(raw);
      },
    };
    const config = { url: server.url, model: "toy", dialect: "vllm", weights: { kind: "served" } } as const;
    const model = await openai(config, { exchange }).open({ path: "toy", hash: "a".repeat(32) }, {});
    try {
      const result = await annotate(model.sampler as Sampler);
      expect(result).toMatchObject({ ok: false }); // the toy writes letters by chance
      expect("reason" in result ? result.reason : "").toContain("concepts, asked for twice");
      expect(kept).toHaveLength(2);
    } finally {
      await model.close();
      await server.close();
    }
  });
});

describe("reading", () => {
  it.each([
    ["prose around it", `Here: ${JSON.stringify(FIVE)}`, "not a JSON array"],
    ["an object", `{"concepts": ${JSON.stringify(FIVE)}}`, "not a JSON array"],
    ["numbers", "[1,2,3,4,5]", "not a JSON array of strings"],
    ["too many", JSON.stringify([...FIVE, "Sets"]), "6 concepts, not 5"],
    ["an empty one", JSON.stringify([...FIVE.slice(1), "—"]), "has no words"],
    ["a sentence", JSON.stringify([...FIVE.slice(1), "x".repeat(121)]), "longer than 120"],
    ["the same twice", JSON.stringify([...FIVE.slice(1), "the linear equation"]), "are one concept"],
  ])("concepts with %s are refused", (_, answer, reason) => {
    const parsed = parseConcepts(answer, 5);
    expect(parsed.ok ? "" : parsed.reason).toContain(reason);
  });

  it("a code fence and list marks are looked through", () => {
    const fenced = `\`\`\`json\n${JSON.stringify(FIVE.map((concept, i) => `${i + 1}. ${concept}.`))}\n\`\`\``;
    expect(parseConcepts(fenced, 5)).toEqual({ ok: true, value: FIVE });
  });

  it.each([
    ["no mark", ACCOUNT, "no <rationale>"],
    ["no end", `<rationale>${ACCOUNT}`, "no </rationale>"],
    ["two", GOOD + GOOD, "more than one <rationale>"],
    ["text outside", `Well. ${GOOD}`, "outside of the marks"],
    ["too little", "<rationale>Use both concepts.</rationale>", "only 3 words"],
    ["a mark of ours", GOOD.replace("Take", "<!-- END RATIONALE --> Take"), "a mark such as"],
  ])("a rationale with %s is refused", (_, answer, reason) => {
    const parsed = parseRationale(answer);
    expect(parsed.ok ? "" : parsed.reason).toContain(reason);
  });
});

describe("wordings of one concept", () => {
  it.each([
    ["Properties of Arithmetic Progressions", "arithmetic progression properties"],
    ["Chinese Remainder Theorem", "The Chinese remainder theorem"],
    ["Euler's totient function", "Euler totient functions"],
    ["Inclusion–exclusion principle", "Principle of inclusion-exclusion"],
    ["Vertices of a graph", "graph vertex"],
    ["  2.  “Probability” ", "probability"],
  ])("%s = %s", (a, b) => {
    expect(conceptKey(a)).toBe(conceptKey(b));
  });

  it.each([
    ["Permutations", "Combinations"],
    ["Sum of squares", "Sum of cubes"],
    ["Basis", "Base"],
    ["Arithmetic progressions", "Geometric progressions"],
  ])("%s ≠ %s", (a, b) => {
    expect(conceptKey(a)).not.toBe(conceptKey(b));
  });

  it("the most frequent wording stands for all, the earliest among equals", () => {
    const merged = mergedWordings(["prime numbers", "Prime number", "Prime number", "GCD", "gcd"]);
    expect(merged("the prime numbers")).toBe("Prime number");
    expect(merged("Gcd")).toBe("GCD");
    expect(merged("never seen")).toBe("never seen");
  });

  it("tidying twice is tidying once, and keeps the key", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), (text) => {
        const tidy = tidyConcept(text);
        expect(conceptKey(tidy)).toBe(conceptKey(text));
      }),
    );
  });
});
