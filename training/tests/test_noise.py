import numpy as np
import pytest

from training import noise

ONES = 0xFFFFFFFF

# Random123's known-answer vectors for philox4x32-10.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((ONES, ONES, ONES, ONES), (ONES, ONES), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_known_answers(counter, key, expected):
    out = noise.philox4x32(np.array(counter, np.uint32).reshape(4, 1), key)
    assert tuple(int(x) for x in out[:, 0]) == expected


def test_first_uniforms_of_seed_zero_are_the_known_answer():
    expected = (np.array(KNOWN_ANSWERS[0][2], np.float64) + 0.5) / 2**32
    np.testing.assert_array_equal(noise.uniform(0, 0, 0, 4), expected)


def test_a_longer_draw_starts_with_the_shorter_one():
    np.testing.assert_array_equal(noise.uniform(7, 1, 3, 10), noise.uniform(7, 1, 3, 1000)[:10])
    np.testing.assert_array_equal(noise.gaussian(7, 1, 3, 5), noise.gaussian(7, 1, 3, 6)[:5])


def test_seeds_streams_and_steps_give_other_numbers():
    draws = [noise.uniform(*key, 8).tobytes() for key in [(1, 0, 1), (2, 0, 1), (1, 1, 1), (1, 0, 2)]]
    assert len(set(draws)) == 4


def test_distributions():
    n = 100_000
    u, g, e = noise.uniform(5, 0, 1, n), noise.gaussian(5, 1, 1, n), noise.gumbel(5, 2, 1, n)
    assert 0 < u.min() and u.max() < 1
    assert u.mean() == pytest.approx(0.5, abs=0.005) and u.var() == pytest.approx(1 / 12, abs=0.002)
    assert g.mean() == pytest.approx(0, abs=0.01) and g.std() == pytest.approx(1, abs=0.01)
    assert (g**4).mean() == pytest.approx(3, abs=0.1)
    assert e.mean() == pytest.approx(np.euler_gamma, abs=0.02) and e.var() == pytest.approx(np.pi**2 / 6, abs=0.05)
