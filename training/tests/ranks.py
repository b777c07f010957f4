"""Runs a training stage under torchrun and writes what every rank holds at the end: `rank-<i>.pt` in the run folder.

    torchrun --nproc-per-node 2 -m training.tests.ranks training.train_resgen --recipe ... --runs ...
"""

from __future__ import annotations

import importlib
import os
import sys

import torch

from training.runner import Run


def save_every_rank(self: Run) -> None:
    state = {name: holder.state_dict() for name, holder in self.state.items()}
    torch.save(state, self.folder / f"rank-{os.environ['RANK']}.pt")


if __name__ == "__main__":
    save_main, Run.save = Run.save, lambda self: (save_main(self), save_every_rank(self))
    stage = sys.argv.pop(1)
    importlib.import_module(stage).main()
    torch.distributed.destroy_process_group()
