"""The seeded noise of the sampler: Philox4x32-10 (Salmon et al. 2011), the twin of `src/engine/rng.ts`.

Counter based: any number of any stream at any step is reached directly, so a picture's noise depends on its own seed alone and not on
what else is in the batch. Key = (seed, 0), counter = (block, stream, step, 0), four 32-bit outputs a block.
"""

from __future__ import annotations

import numpy as np

UNIFORM, GAUSSIAN, GUMBEL, VIEW = 0, 1, 2, 3

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_LOW, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32)


def philox4x32(counter_4N: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Ten rounds on counters uint32 `[4, N]` -> outputs uint32 `[4, N]`."""
    c0, c1, c2, c3 = (c.astype(np.uint64) for c in counter_4N)
    k0, k1 = key
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ np.uint64(k0), p1 & _LOW, (p0 >> _SHIFT) ^ c3 ^ np.uint64(k1), p0 & _LOW
        k0, k1 = (k0 + _W0) & 0xFFFFFFFF, (k1 + _W1) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3]).astype(np.uint32)


def uniform(seed: int, stream: int, step: int, count: int) -> np.ndarray:
    """`count` numbers in (0, 1), float64: (x + 1/2) / 2^32."""
    blocks = -(-count // 4)
    counter = np.zeros((4, blocks), np.uint32)
    counter[0], counter[1], counter[2] = np.arange(blocks), stream, step
    x = philox4x32(counter, (seed & 0xFFFFFFFF, 0)).T.reshape(-1)[:count]
    return (x.astype(np.float64) + 0.5) / 2**32


def gaussian(seed: int, stream: int, step: int, count: int) -> np.ndarray:
    """`count` standard normals by Box-Muller on consecutive pairs of uniforms."""
    u = uniform(seed, stream, step, count + count % 2).reshape(-1, 2)
    r = np.sqrt(-2 * np.log(u[:, 0]))
    return np.stack([r * np.cos(2 * np.pi * u[:, 1]), r * np.sin(2 * np.pi * u[:, 1])], 1).reshape(-1)[:count]


def gumbel(seed: int, stream: int, step: int, count: int) -> np.ndarray:
    return -np.log(-np.log(uniform(seed, stream, step, count)))
