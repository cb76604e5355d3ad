"""`trl dpo` over rows that are tokenized already and bring their reference log-probabilities.

TRL's own trainer takes text, appends an end token where there is none, and asks the starting model for the reference. Rollouts that
were cut off have no end token, their ids are not always what their text tokenizes to, and the reference may be an earlier model. All
else is TRL's: arguments, model, loss, loop, checkpoints.
"""

import trl
from trl import DPOTrainer
from trl.scripts import dpo

for name in ("_prepare_dataset", "_precompute_ref_logps"):
    if not hasattr(DPOTrainer, name):
        raise SystemExit(f"RuntimeError: trl {trl.__version__} has no DPOTrainer.{name}: promptcot does not know this release")


class TokenizedRows(DPOTrainer):
    def _prepare_dataset(self, dataset, *args, **kwargs):
        return dataset

    def _precompute_ref_logps(self, dataset, *args, **kwargs):
        return dataset


if __name__ == "__main__":
    trl.DPOTrainer = TokenizedRows
    parser = dpo.make_parser()
    dpo.main(*parser.parse_args_and_config(fail_with_unknown_args=False))
