import { describe, expect, it } from "vitest";
import { CommandOptions } from "./command/options.ts";
import { AxolotlOptions } from "./command/template-options.ts";
import { holdsCredentials, namesCredentials, plainEnvironment } from "./credentials.ts";
import { ManagedServer } from "./servers/options.ts";
import { TrlOptions } from "./trl/options.ts";

describe("credentials in a config", () => {
  it.each(["HF_TOKEN", "WANDB_API_KEY", "OPENAI_APIKEY", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "api_key"])(
    "the variable %s is refused",
    (name) => {
      expect(plainEnvironment("it").safeParse({ [name]: "x" }).error?.message).toContain("which it inherits");
    },
  );

  it.each(["TOKENIZERS_PARALLELISM", "CUDA_VISIBLE_DEVICES", "VLLM_MAX_TOKENS_PER_STEP", "MONKEY", "KEYBOARD"])(
    "the variable %s is not",
    (name) => {
      expect(plainEnvironment("it").safeParse({ [name]: "x" }).success).toBe(true);
    },
  );

  it.each([
    ["vllm serve m --api-key sk-1 --port {port}", true],
    ["vllm serve m --api-key=sk-1", true],
    ["python -m sglang.launch_server --api_key sk-1", true],
    ["serve --hf-token hf_1", true],
    ["vllm serve m --max-num-batched-tokens 8192 --tokenizer t --port {port}", false],
    ["train --hub_token hf_1", true],
    ["train --push --token hf_1", true],
    ["train --eos_token <|im_end|> --pad-token=<pad> --image_token <image>", false],
    ["vllm serve m --api-key", false],
    ["llama-server --token-limit 5 --api-key-file key.txt", false],
  ])("the command %s: %s", (command, refused) => {
    expect(holdsCredentials(command)).toBe(refused);
  });

  it("are refused wherever a program is started", () => {
    const env = { HF_TOKEN: "x" };
    const sft = { rows: "tokens", run: [["train"]] };
    const parsed = [
      TrlOptions.safeParse({ python: "p", env }),
      TrlOptions.safeParse({ python: "p", extra: { hub_token: "x" } }),
      AxolotlOptions.safeParse({ env }),
      AxolotlOptions.safeParse({ extra: { hf_token: "x" } }),
      CommandOptions.safeParse({ sft, env }),
      CommandOptions.safeParse({ sft: { rows: "tokens", run: [["train", "--token", "x"]] } }),
      ManagedServer.safeParse({ command: "serve", env }),
      ManagedServer.safeParse({ command: "serve --api-key x" }),
    ];
    for (const { error } of parsed) expect(error?.message).toContain("credentials do not belong in a config");
    expect(namesCredentials(["eos_token", "pad_token", "special_tokens"])).toBe(false);
    expect(TrlOptions.safeParse({ python: "p", extra: { eos_token: "</s>" } }).success).toBe(true);
  });
});
