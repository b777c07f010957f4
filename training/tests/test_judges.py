import pytest
import scipy.linalg
import torch

from training.judges import (
    FEATURE_WIDTH,
    FeatureJudge,
    class_accuracy,
    fit_gaussian,
    frechet_distance,
    nearest,
    nearest_pixels,
    psnr,
    ssim,
)


def noisy_pair() -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    a = torch.randint(0, 256, (2, 24, 24, 3), generator=g, dtype=torch.uint8)
    b = (a.float() * 0.8 + torch.randint(0, 40, a.shape, generator=g)).clamp(0, 255).byte()
    return a, b


def test_ssim_and_psnr_are_those_of_scikit_image():
    """Expected: scikit-image's structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False) and PSNR."""
    a, b = noisy_pair()
    torch.testing.assert_close(ssim(a, b), torch.tensor([0.9598446614668624, 0.9587408326640171], dtype=torch.float64))
    torch.testing.assert_close(psnr(a, b), torch.tensor([22.551153, 22.277188]))


def test_equal_pictures():
    a, _ = noisy_pair()
    torch.testing.assert_close(ssim(a, a), torch.ones(2, dtype=torch.float64))
    assert psnr(a, a).tolist() == [100.0, 100.0]


def test_frechet_distance_is_the_textbook_formula():
    a, b = torch.randn(200, 5).double(), torch.randn(300, 5).double() @ torch.randn(5, 5).double() + 1
    ca, cb = torch.cov(a.t()), torch.cov(b.t())
    root = torch.from_numpy(scipy.linalg.sqrtm((ca @ cb).numpy()).real)
    expected = (a.mean(0) - b.mean(0)).square().sum() + (ca + cb - 2 * root).trace()
    assert frechet_distance(a, fit_gaussian(b)) == pytest.approx(float(expected), rel=1e-6)


def test_frechet_distance_of_fewer_pictures_than_features():
    f = torch.randn(40, 64)
    reference = fit_gaussian(torch.randn(50, 64))
    assert frechet_distance(f, reference) > 0
    assert frechet_distance(f, fit_gaussian(f)) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(f + 1, fit_gaussian(f)) == pytest.approx(64, rel=1e-6)


def test_nearest_ignores_length():
    reference = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    index, cosine = nearest(torch.tensor([[5.0, 0.1], [0.2, 0.2]]), reference)
    assert index.tolist() == [0, 2] and cosine[1] == pytest.approx(1.0)


def test_class_accuracy_counts_the_class_of_the_nearest():
    reference, label = torch.eye(3), torch.tensor([0, 1, 2])
    f = torch.tensor([[1.0, 0.1, 0.0], [0.0, 1.0, 0.1], [0.0, 1.0, 0.1], [0.0, 0.0, 1.0]])
    assert class_accuracy(f, torch.tensor([0, 1, 2, 2]), reference, label) == 0.75


def test_nearest_pixels_finds_a_copy_and_measures_the_rest():
    reference = torch.randint(0, 256, (7, 64, 64, 3), dtype=torch.uint8)
    index, distance = nearest_pixels(reference[[4, 2]], reference)
    assert index.tolist() == [4, 2] and float(distance.max()) < 0.1
    flat = torch.full((1, 64, 64, 3), 100, dtype=torch.uint8)
    _, distance = nearest_pixels(flat, flat + 10)
    assert float(distance) == pytest.approx(10, rel=1e-3)


def test_judge_sees_pictures_not_their_batch():
    judge = FeatureJudge()
    a, _ = noisy_pair()
    f = judge.features(a, "test", batch=1)
    assert f.shape == (2, FEATURE_WIDTH) and float(f.min()) >= 0 and float(f.std()) > 0
    torch.testing.assert_close(f, judge(a).clone(), atol=1e-4, rtol=1e-3)
