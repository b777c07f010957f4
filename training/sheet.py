"""Contact sheets of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image


def to_bytes(pixels_BCSS: torch.Tensor) -> np.ndarray:
    """`[B, 3, S, S]` in -1..1 -> uint8 `[B, S, S, 3]`."""
    return (pixels_BCSS.float().clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)).permute(0, 2, 3, 1).cpu().numpy()


def save_sheet(path: Path, pixels_BCSS: torch.Tensor, columns: int) -> None:
    tiles = to_bytes(pixels_BCSS)
    rows = -(-len(tiles) // columns)
    side = tiles.shape[1]
    sheet = np.full((rows * (side + 2), columns * (side + 2), 3), 255, np.uint8)
    for i, tile in enumerate(tiles):
        y, x = divmod(i, columns)
        sheet[y * (side + 2) : y * (side + 2) + side, x * (side + 2) : x * (side + 2) + side] = tile
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).save(path)
