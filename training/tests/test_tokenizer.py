import torch

from training.tokenizer import Tokenizer, TokenizerConfig, Upsample


def tokenizer_of(config: dict) -> Tokenizer:
    tokenizer = Tokenizer(TokenizerConfig(**config))
    tokenizer.quantiser.e_DVH.normal_()
    return tokenizer.eval()


@torch.no_grad()
def test_a_picture_becomes_a_grid_of_codes_and_a_picture_again(tiny_tokenizer):
    tokenizer = tokenizer_of(tiny_tokenizer)
    x = tokenizer.encode(torch.rand(2, 3, 24, 24) * 2 - 1)
    assert x.shape == (2, 4, 3) and int(x.max()) < 8
    assert tokenizer.decode(x).shape == (2, 3, 24, 24)


@torch.no_grad()
def test_decoding_a_prefix_ignores_the_deeper_codes(tiny_tokenizer):
    tokenizer = tokenizer_of(tiny_tokenizer)
    x = tokenizer.encode(torch.rand(2, 3, 24, 24) * 2 - 1)
    for depth in (1, 2):
        changed = x.clone()
        changed[:, :, depth:] = 7 - changed[:, :, depth:]
        torch.testing.assert_close(tokenizer.decode(changed, depth), tokenizer.decode(x, depth))
    assert not torch.allclose(tokenizer.decode(x, 1), tokenizer.decode(x, 3))


@torch.no_grad()
def test_training_at_a_depth_is_decoding_at_that_depth(tiny_tokenizer):
    tokenizer = tokenizer_of(tiny_tokenizer)
    pixels = torch.rand(3, 3, 24, 24) * 2 - 1
    y, _, residual_D = tokenizer(pixels, torch.tensor([1, 2, 3]))
    x = tokenizer.encode(pixels)
    for i in range(3):
        torch.testing.assert_close(y[i : i + 1], tokenizer.decode(x[i : i + 1], i + 1), atol=1e-4, rtol=1e-4)
    assert residual_D.shape == (3,)


@torch.no_grad()
def test_positions_run_row_by_row(tiny_tokenizer):
    """Changing the code at position 1 changes the picture's top right most."""
    tokenizer = tokenizer_of(tiny_tokenizer)
    x = torch.zeros(1, 4, 3, dtype=torch.long)
    changed = x.clone()
    changed[0, 1] = 5
    difference = (tokenizer.decode(changed) - tokenizer.decode(x)).abs().mean((0, 1))
    quarters = {name: q.mean() for name, q in zip("00 01 10 11".split(), [difference[:12, :12], difference[:12, 12:], difference[12:, :12], difference[12:, 12:]])}
    assert max(quarters, key=quarters.get) == "01"


@torch.no_grad()
def test_upsampling_starts_without_a_checkerboard():
    y = Upsample(4, 2, 3)(torch.randn(1, 4, 5, 5))
    blocks = y.unfold(2, 3, 3).unfold(3, 3, 3)
    torch.testing.assert_close(blocks, blocks[..., :1, :1].expand_as(blocks))
