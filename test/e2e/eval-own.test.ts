/** Evaluation of a solver of our own, in this process, as a user runs it. */
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openRun } from "../../src/journal/run.ts";
import { initCheckpoint, trainBpe } from "../../src/lm/embedded/index.ts";
import { writeGguf } from "../../src/lm/gguf/index.ts";
import { resolveConfig } from "../../src/recipes/config.ts";
import { specialTokens } from "../../src/stages/em/format.ts";
import { start, within } from "./command.ts";
import { evalOf, fresh, MINUTES, scratch } from "./eval-kit.ts";

describe("a solver of our own, in this process", () => {
  const model = () => join(scratch(), "solver");
  beforeAll(async () => {
    const texts = ["What is the remainder when 17 is divided by 5?", "5 * 3 = 15, 17 - 15 = 2. The answer is 2."];
    const tokenizer = trainBpe(texts, { vocabSize: 300, specialTokens: [...specialTokens], eosToken: "<|end|>" });
    const shape = { hiddenSize: 16, intermediateSize: 32, layers: 1, heads: 1, keyValueHeads: 1, headDim: 16 };
    const config = { architecture: "llama" as const, ...shape, contextLength: 512 };
    await initCheckpoint({ config, tokenizer, seed: 1, out: model() });
  }, 3 * MINUTES);

  test(
    "is asked in its own words on the pocket benchmark, and goes on after Ctrl-C to the same bytes",
    async () => {
      const size = ["--limit", "20", "--samples", "8", "--max-tokens", "24"];
      const args = (out: string) => ["eval", "--model", model(), "--bench", "pocket", ...size, "--out", out];
      const [whole, cut] = [fresh(), fresh()];
      const end = await within(args(whole));
      expect(end, end.stderr).toMatchObject({ code: 0 });
      expect(evalOf(whole)).toMatchObject({
        model: { family: "solver" },
        benchmarks: [{ name: "pocket", data: { pinned: "generated", limit: 20 } }],
      });
      expect(end.stderr).toContain("Pocket: 200 problems");
      const journal = "journal/eval/pocket/responses/000001.jsonl";
      const running = start(args(cut), { cwd: scratch() });
      while (!existsSync(join(cut, journal)) || readFileSync(join(cut, journal)).length < 6000) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      running.child.kill("SIGINT");
      const stopped = await running.ended;
      expect(await within(args(cut))).toMatchObject({ code: 0 });
      for (const file of ["eval.json", journal]) {
        expect(readFileSync(join(cut, file), "utf8"), stopped.stderr).toBe(readFileSync(join(whole, file), "utf8"));
      }
    },
    5 * MINUTES,
  );

  test(
    "as a checkpoint of a run it is evaluated into that run, whose report shows it",
    async () => {
      const home = fresh();
      cpSync(model(), join(home, "checkpoints", "selfplay", "round-1"), { recursive: true });
      const run = await openRun(home, {
        ...{
          config: { ...resolveConfig({ scale: "tiny" }, [], "test") },
          seed: 1,
          versions: {},
          threads: 1,
          inputs: [],
        },
      });
      await run.close();
      const size = ["--limit", "4", "--samples", "2", "--max-tokens", "12"];
      const path = join(home, "checkpoints", "selfplay", "round-1");
      const end = await within(["eval", "--model", path, "--bench", "pocket", ...size]);
      expect(end, end.stderr).toMatchObject({ code: 0 });
      const out = join(home, "evals", "selfplay-round-1");
      expect(evalOf(out)).toMatchObject({ benchmarks: [{ name: "pocket" }] });
      expect(end.stdout).toContain(`report: ${join(out, "report.html")}`);
      expect(end.stdout).toContain(`promptcot report ${home}`);
      expect(readFileSync(join(out, "report.html"), "utf8")).toContain("Pocket: how often problems were solved");
      expect(await within(["report", home])).toMatchObject({ code: 0 });
      expect(readFileSync(join(home, "report.html"), "utf8")).toContain("<td>selfplay-round-1</td>");
    },
    3 * MINUTES,
  );

  test(
    "as a GGUF file it is asked the same",
    async () => {
      const { path } = await writeGguf(model(), join(scratch(), "solver.gguf"));
      const args = ["--bench", "pocket", "--limit", "4", "--samples", "2", "--max-tokens", "12", "--out", fresh()];
      const end = await within(["eval", "--model", path, ...args]);
      expect(end, end.stderr).toMatchObject({ code: 0 });
      const { model: asked, benchmarks } = evalOf(args.at(-1) ?? "");
      expect(asked.family).toBe("solver");
      expect(benchmarks[0]?.scores).toMatchObject({ problems: 4, samples: 2, unanswered: 0 });
    },
    2 * MINUTES,
  );

  test(
    "a mistake is told in plain words",
    async () => {
      const told = async (code: number, args: string[]) => {
        const end = await within(["eval", ...args]);
        expect(end, end.stderr).toMatchObject({ code });
        return end.stderr;
      };
      expect(await told(2, ["--model", model(), "--bench", "aime-24"])).toContain(
        'unknown benchmark "aime-24". Did you mean "aime24"?',
      );
      expect(await told(2, ["--model", model()])).toContain("no benchmark was named");
      expect(await told(2, ["--bench", "pocket"])).toContain("no model was named");
      expect(await told(2, ["--backend", "x", "--bench", "pocket"])).toContain("--config is missing");
      expect(await told(2, ["--model", model(), "--bench", "aime24"])).toContain(
        "give a file or a folder with aime24.jsonl by --data",
      );
      const out = ["--out", join(scratch(), "mistakes")];
      expect(await told(2, ["--model", join(scratch(), "nowhere"), "--bench", "pocket", ...out])).toContain(
        "there is no model in",
      );
      expect(await told(2, ["--model", model(), "--bench", "pocket", "--samples", "0", ...out])).toContain("--samples");
      expect((await within(["eval", "--list"])).stdout).toMatch(/aime24 +16 +0.6 +0.95 +65,536 +avg@16/);
    },
    3 * MINUTES,
  );
});
