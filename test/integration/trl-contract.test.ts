/** TRL in the shared suite: it trains, the embedded engine answers. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testBackend } from "../../src/lm/contract.case.ts";
import { embedded } from "../../src/lm/embedded/index.ts";
import { trl } from "../../src/lm/trl/index.ts";
import { resumableJob, sftJob, smallModel, trlCpu } from "./trl-models.ts";

testBackend("TRL beside the embedded engine", async () => {
  const folder = await mkdtemp(join(tmpdir(), "promptcot-contract-"));
  const engine = embedded();
  const small = await smallModel(folder);
  const { rows, optimization } = resumableJob(small);
  // Not from the untrained model: among nearly equal probabilities rounding decides what is likeliest.
  const { checkpoint } = await engine.trainer.sft({ ...sftJob(small, 12), out: join(folder, "taught") }, {});
  let outs = 0;
  return {
    ...{ backend: engine, checkpoint, maxTokens: 24 },
    prompts: ["Add 3 and 4.<|z|>", "Add 11 and 2.<|z|>", "Add"].map((text) => ({ kind: "text", text })),
    impossible: { prompt: { kind: "ids", ids: new Array(200).fill(5) } },
    training: { trainer: trl(trlCpu()), rows, optimization, out: () => join(folder, `out-${outs++}`) },
    async close() {
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
