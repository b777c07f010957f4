"""Pictures in class folders, from a zip or a directory, held decoded in memory.

The layout is `<root>/<class name>/<anything>.{webp,png,jpg,jpeg}`; a zip may hold the same tree. Within a class the files are
sorted by name, and the picture whose index is 0 modulo `VALIDATION_EVERY` belongs to the validation split.
"""

from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

VALIDATION_EVERY = 20
PICTURE_SUFFIXES = {".webp", ".png", ".jpg", ".jpeg"}


@dataclass
class Pictures:
    """`pixels_NHWC` is uint8 `[N, S, S, 3]`, `label_N` is int64 `[N]` into `classes`, `names` the source path of each picture."""

    pixels_NHWC: torch.Tensor
    label_N: torch.Tensor
    classes: list[str]
    names: list[str]

    def __len__(self) -> int:
        return len(self.label_N)

    def select(self, index: torch.Tensor) -> Pictures:
        return Pictures(self.pixels_NHWC[index], self.label_N[index], self.classes, [self.names[i] for i in index.tolist()])


def _list_files(root: Path) -> dict[str, list[str]]:
    """Class name -> sorted relative paths of its pictures."""
    if root.is_dir():
        paths = [str(p.relative_to(root)) for p in root.glob("*/*")]
    elif zipfile.is_zipfile(root):
        with zipfile.ZipFile(root) as archive:
            paths = archive.namelist()
    else:
        raise FileNotFoundError(f"{root} is neither a folder of class folders nor a zip of one; set `data` in the recipe")
    by_class: dict[str, list[str]] = {}
    for path in paths:
        parts = Path(path).parts
        if len(parts) >= 2 and Path(path).suffix.lower() in PICTURE_SUFFIXES:
            by_class.setdefault(parts[-2], []).append(path)
    if not by_class:
        raise FileNotFoundError(f"{root} holds no <class>/<picture> with one of {sorted(PICTURE_SUFFIXES)}")
    return {name: sorted(by_class[name]) for name in sorted(by_class)}


def _decode(data: bytes, size: int) -> np.ndarray:
    """Centre-crop to a square, resize to `size` only if the picture is larger than `size` by more than an eighth."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    picture = picture.crop((left, top, left + side, top + side))
    if side < size or side > size * 9 // 8:
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def load_pictures(root: str | Path, size: int) -> Pictures:
    """Reads every picture below `root` at the smallest common square of at least `size` pixels a side.

    Raises FileNotFoundError with a sentence that says what is wrong with the path.
    """
    root = Path(root)
    by_class = _list_files(root)
    names = [path for paths in by_class.values() for path in paths]
    label = [i for i, paths in enumerate(by_class.values()) for _ in paths]
    if root.is_dir():
        raw = [(root / name).read_bytes() for name in names]
    else:
        with zipfile.ZipFile(root) as archive:
            raw = [archive.read(name) for name in names]
    with ThreadPoolExecutor(2) as pool:
        decoded = list(pool.map(lambda data: _decode(data, size), raw))
    side = min(a.shape[0] for a in decoded)
    pixels = np.stack([_centre(a, side) for a in decoded])
    return Pictures(torch.from_numpy(pixels), torch.tensor(label), list(by_class), names)


def _centre(a: np.ndarray, side: int) -> np.ndarray:
    o = (a.shape[0] - side) // 2
    return a[o : o + side, o : o + side]


def split(pictures: Pictures) -> tuple[Pictures, Pictures]:
    """Training and validation pictures: index modulo 20 == 0 within a class is validation."""
    index_in_class = torch.zeros(len(pictures), dtype=torch.long)
    for c in range(len(pictures.classes)):
        where = (pictures.label_N == c).nonzero().squeeze(1)
        index_in_class[where] = torch.arange(len(where))
    held_out = index_in_class % VALIDATION_EVERY == 0
    return pictures.select((~held_out).nonzero().squeeze(1)), pictures.select(held_out.nonzero().squeeze(1))


def to_float(pixels_NHWC: torch.Tensor) -> torch.Tensor:
    """uint8 `[N, S, S, 3]` to float32 `[N, 3, S, S]` in -1..1, channels last in memory."""
    return pixels_NHWC.permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1.0)


def centre_crop(pixels_NHWC: torch.Tensor, size: int) -> torch.Tensor:
    o = (pixels_NHWC.shape[1] - size) // 2
    return pixels_NHWC[:, o : o + size, o : o + size]


def random_crop_flip(pixels_NHWC: torch.Tensor, size: int, generator: torch.Generator) -> torch.Tensor:
    """One crop of `size` a batch (cheap, and a batch is random anyway), each picture mirrored with probability a half."""
    slack = pixels_NHWC.shape[1] - size
    y, x = (int(torch.randint(slack + 1, (1,), generator=generator)) for _ in range(2))
    out = pixels_NHWC[:, y : y + size, x : x + size].clone()
    mirrored = torch.rand(len(out), generator=generator) < 0.5
    out[mirrored] = out[mirrored].flip(2)
    return out
