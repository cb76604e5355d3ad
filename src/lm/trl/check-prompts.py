"""Says which prompts the tokenizer of MODEL reads as other ids than those in ROWS; prints their positions as a JSON list."""

import json
import sys

from transformers import AutoTokenizer

model, rows = sys.argv[1:]
tokenizer = AutoTokenizer.from_pretrained(model)
with open(rows) as file:
    found = [json.loads(line) for line in file]
ids = tokenizer(text=[row["prompt"] for row in found])["input_ids"]
print(json.dumps([i for i, row in enumerate(found) if ids[i] != row["ids"]]))
