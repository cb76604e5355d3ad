"""Merges a LoRA adapter into the model that it was trained on, and adds up adapters.

    merge.py MODEL ADAPTER OUT_MODEL [EARLIER OUT_ADAPTER]

OUT_MODEL gets whole weights. EARLIER is the adapter that MODEL itself was merged from: OUT_ADAPTER then gets the sum of both, relative
to the first base, by concatenation, which is exact and adds up the ranks.
"""

import json
import sys
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM


def merge(model_path: str, adapter_path: str, out: str) -> None:
    model = AutoModelForCausalLM.from_pretrained(model_path, dtype="auto")
    merged = PeftModel.from_pretrained(model, adapter_path).merge_and_unload(safe_merge=True)
    merged.save_pretrained(out)


def scaled(folder: Path) -> tuple[dict, dict]:
    """The adapter's config, and its tensors with the scale moved into B."""
    config = json.loads((folder / "adapter_config.json").read_text())
    root = config["r"] ** 0.5 if config.get("use_rslora") else config["r"]
    tensors = load_file(folder / "adapter_model.safetensors")
    return config, {
        name: tensor * (config["lora_alpha"] / root) if ".lora_B." in name else tensor for name, tensor in tensors.items()
    }


def add(earlier: Path, later: Path, out: Path) -> None:
    (config, first), (later_config, second) = scaled(earlier), scaled(later)
    tensors = {}
    for name in sorted(first.keys() | second.keys()):
        if name not in first or name not in second:
            raise SystemExit(f"ValueError: the adapters have other modules: {name} is in one only")
        tensors[name] = torch.cat([first[name], second[name]], dim=0 if ".lora_A." in name else 1).contiguous()
    rank = config["r"] + later_config["r"]
    out.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out / "adapter_model.safetensors", metadata={"format": "pt"})
    summed = {**config, "r": rank, "lora_alpha": rank, "use_rslora": False}
    (out / "adapter_config.json").write_text(json.dumps(summed, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    model, adapter, out_model, *rest = sys.argv[1:]
    merge(model, adapter, out_model)
    if rest:
        add(Path(rest[0]), Path(adapter), Path(rest[1]))
