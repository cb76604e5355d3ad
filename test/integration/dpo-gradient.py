"""Loss and gradient of one batch by TRL's own DPO trainer, without a step: MODEL ROWS OUT BETA NLL_WEIGHT ROWS_AT_A_TIME.

Writes the gradient as safetensors, prints the loss.
"""

import importlib.util
import json
import sys

from datasets import load_dataset
from safetensors.torch import save_file
from trl import DPOConfig

model, rows, out, beta, nll_weight, at_a_time, shim = sys.argv[1:]
spec = importlib.util.spec_from_file_location("shim", shim)
dpo = importlib.util.module_from_spec(spec)
spec.loader.exec_module(dpo)

nll, count = float(nll_weight), int(at_a_time)
terms = {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, nll]} if nll > 0 else {}
args = DPOConfig(
    output_dir=out + ".trl",
    beta=float(beta),
    precompute_ref_log_probs=True,
    use_cpu=True,
    bf16=False,
    gradient_checkpointing=False,
    report_to="none",
    max_length=1024,
    model_init_kwargs={"dtype": "float32"},
    **terms,
)
data = load_dataset("json", data_files=rows, split="train", cache_dir=out + ".cache")
trainer = dpo.TokenizedRows(model=model, args=args, train_dataset=data)
trainer.model.train()
total = 0.0
for start in range(0, len(data), count):
    examples = [data[i] for i in range(start, min(start + count, len(data)))]
    loss = trainer.compute_loss(trainer.model, trainer._prepare_inputs(trainer.data_collator(examples)))
    share = loss * (len(examples) / len(data))
    share.backward()
    total += share.item()
save_file({name: weight.grad.contiguous() for name, weight in trainer.model.named_parameters()}, out)
print(json.dumps({"loss": total}))
