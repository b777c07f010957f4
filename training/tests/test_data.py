import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from training.data import centre_crop, load_pictures, random_crop_flip, split, to_float


def test_classes_and_pictures_in_order(class_folders):
    pictures = load_pictures(class_folders, 24)
    assert pictures.classes == ["apple", "banana", "cherry"]
    assert pictures.pixels_NHWC.shape == (66, 24, 24, 3) and pictures.pixels_NHWC.dtype == torch.uint8
    assert pictures.label_N.tolist() == [0] * 22 + [1] * 22 + [2] * 22
    brightest = pictures.pixels_NHWC.float().mean((1, 2)).argmax(1)
    assert torch.equal(brightest, pictures.label_N)


def test_a_zip_reads_like_the_folder(class_folders, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "pictures-zip"), "zip", class_folders)
    a, b = load_pictures(class_folders, 24), load_pictures(archive, 24)
    assert torch.equal(a.pixels_NHWC, b.pixels_NHWC) and torch.equal(a.label_N, b.label_N) and a.names == b.names


def test_every_twentieth_picture_of_a_class_is_held_out(class_folders):
    pictures = load_pictures(class_folders, 24)
    train, validation = split(pictures)
    held_out = [f"{name}/{i:03d}.png" for name in pictures.classes for i in (0, 20)]
    assert validation.names == held_out
    assert sorted(train.names + validation.names) == sorted(pictures.names)
    assert not set(train.names) & set(validation.names)


def test_larger_pictures_are_cropped_square_and_shrunk(tmp_path):
    (tmp_path / "set" / "red").mkdir(parents=True)
    pixels = np.zeros((60, 100, 3), np.uint8)
    pixels[:, 20:80, 0] = 200  # the central square
    for i in range(2):
        Image.fromarray(pixels).save(tmp_path / "set" / "red" / f"{i}.png")
    got = load_pictures(tmp_path / "set", 24).pixels_NHWC
    assert got.shape == (2, 24, 24, 3) and int(got[..., 0].min()) == 200


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_text("no zip")])
def test_a_wrong_path_is_explained(tmp_path, make):
    make(tmp_path / "set")
    with pytest.raises(FileNotFoundError, match="set"):
        load_pictures(tmp_path / "set", 24)


def test_crops_and_scale():
    pixels = torch.randint(0, 256, (4, 10, 10, 3), dtype=torch.uint8)
    assert torch.equal(centre_crop(pixels, 8), pixels[:, 1:9, 1:9])
    a = random_crop_flip(pixels, 8, torch.Generator().manual_seed(3))
    assert a.shape == (4, 8, 8, 3) and torch.equal(a, random_crop_flip(pixels, 8, torch.Generator().manual_seed(3)))
    x = to_float(torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 2, 1).expand(1, 2, 2, 3))
    assert float(x.min()) == -1 and float(x.max()) == 1
