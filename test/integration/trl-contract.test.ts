/** TRL in the shared suite: it trains, the embedded engine answers. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testBackend } from "../../src/lm/contract.case.ts";
import { embedded } from "../../src/lm/embedded/index.ts";
import { trl } from "../../src/lm/trl/index.ts";
import { resumableJob, smallModel, trlCpu } from "./trl-models.ts";

testBackend("TRL beside the embedded engine", async () => {
  const folder = await mkdtemp(join(tmpdir(), "promptcot-contract-"));
  const engine = embedded();
  const small = await smallModel(folder);
  const { rows, optimization } = resumableJob(small);
  let outs = 0;
  return {
    ...{ backend: engine, checkpoint: small.checkpoint, maxTokens: 8 },
    prompts: [0, 1, 2].map((i) => ({ kind: "ids", ids: small.tokenizer.encode(`Add ${i} and 4.<|z|>`) })),
    training: { trainer: trl(trlCpu()), rows, optimization, out: () => join(folder, `out-${outs++}`) },
    async close() {
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
