"""Images in class folders: decoded, framed, converted; damaged ones named or passed over."""

from __future__ import annotations

import pickle
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from snn2hw.data import ImageFolder, framing
from snn2hw.errors import DataError, MissingExtraError, UsageError
from tests.data.writers import write_image
from tests.refused import refused

pytestmark = pytest.mark.torch

CLASSES = ("n01440764", "n01443537", "n02084071")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for k, name in enumerate(CLASSES):
        for n in range(4):
            write_image(tmp_path / "train" / name / f"{name}_{n}.JPEG", seed=10 * k + n)
        write_image(tmp_path / "val" / name / f"ILSVRC2012_val_0000000{k}.png", seed=90 + k)
    (tmp_path / "train" / CLASSES[0] / "notes.txt").write_text("no image")
    return tmp_path


def damage(root: Path, at: int) -> Path:
    path = root / "train" / CLASSES[at // 4] / f"{CLASSES[at // 4]}_{at % 4}.JPEG"
    path.write_bytes(path.read_bytes()[:200])
    return path


def test_folders_are_classes(root: Path) -> None:
    train, val = ImageFolder(root, size=16), ImageFolder(root, "val", size=16)
    assert (train.classes, val.classes) == (CLASSES, CLASSES)
    assert (train.labels.tolist(), val.labels.tolist()) == ([0] * 4 + [1] * 4 + [2] * 4, [0, 1, 2])
    assert (train.crop, val.crop) == ("random", "centre")
    assert [train.path(i).name for i in (0, 7, 11)] == ["n01440764_0.JPEG", "n01443537_3.JPEG", "n02084071_3.JPEG"]
    sample, label = train[5]
    assert (sample.shape, sample.dtype, label, train.shape, train.static) == ((3, 16, 16), torch.float32, 1, (3, 16, 16), True)
    assert 0 <= float(sample.min()) < float(sample.max()) <= 1


def test_classes_differ_in_size(root: Path) -> None:
    write_image(root / "train" / CLASSES[0] / f"{CLASSES[0]}_10.jpg")
    data = ImageFolder(root, size=16)
    assert data.labels.tolist() == [0] * 5 + [1] * 4 + [2] * 4
    assert all(data.path(i).parent.name == CLASSES[data[i][1]] for i in range(13))
    assert [data.path(i).name for i in (0, 1, 2)] == [f"{CLASSES[0]}_{k}" for k in ("0.JPEG", "1.JPEG", "10.jpg")]


def test_centre_is_the_middle_of_the_resized_image(tmp_path: Path) -> None:
    pixels = np.zeros((80, 128, 3), np.uint8)
    pixels[5:75, 29:99] = 255  # 7/8 of the shorter side, in the middle
    for split in ("train", "val"):
        (tmp_path / split / "a").mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / split / "a" / "1.png")
    white = ImageFolder(tmp_path, "val", size=70)[0][0]
    assert torch.equal(white, torch.ones(3, 70, 70))
    pixels[5, 29:99] = 0
    pixels[5:75, 98] = 0
    Image.fromarray(pixels).save(tmp_path / "val" / "a" / "1.png")
    edged = ImageFolder(tmp_path, "val", size=70)[0][0]
    assert torch.equal(edged[:, 1:, :-1], torch.ones(3, 69, 69))
    assert float(edged[:, 0].max()) == float(edged[:, :, -1].max()) == 0


def test_random_parts_are_within_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes: list[tuple[float, ...]] = []

    class Recorded(Image.Image):
        size = (120, 90)

        def resize(self, size, resample, box) -> None:  # type: ignore[no-untyped-def, override]
            assert size == (32, 32)
            boxes.append(box)

    torch.manual_seed(1)
    for _ in range(300):
        framing.random_crop(Recorded(), 32)
    left, top, right, bottom = np.array(boxes).T
    width, height = right - left, bottom - top
    assert left.min() >= 0
    assert top.min() >= 0
    assert right.max() <= 120 + 1e-9
    assert bottom.max() <= 90 + 1e-9
    share, ratio = width * height / (120 * 90), width / height
    assert 0.08 <= share.min() < 0.15
    assert 0.85 < share.max() <= 1
    assert 0.75 - 1e-9 <= ratio.min() < 0.8
    assert 1.25 < ratio.max() <= 4 / 3 + 1e-9
    assert left.std() > 10
    monkeypatch.setattr(Recorded, "size", (1000, 10))
    framing.random_crop(Recorded(), 32)
    assert boxes[-1] == pytest.approx((500 - 40 / 6, 0, 500 + 40 / 6, 10))


def test_the_same_seed_draws_the_same_parts_with_workers_too(root: Path) -> None:
    data = ImageFolder(root, size=12)
    for workers in (0, 2):
        runs = []
        for seed in (0, 0, 1):
            torch.manual_seed(seed)
            runs.append(torch.cat([x for x, _ in DataLoader(data, batch_size=5, num_workers=workers)]))
        assert torch.equal(runs[0], runs[1])
        assert not torch.equal(runs[0], runs[2])
    assert len(pickle.dumps(data)) < 5_000


@pytest.mark.parametrize(("mode", "suffix"), [("L", "png"), ("RGBA", "png"), ("CMYK", "jpg"), ("P", "png"), ("1", "png")])
def test_other_modes_are_converted(root: Path, mode: str, suffix: str) -> None:
    path = root / "val" / CLASSES[0] / f"0.{suffix}"
    write_image(path, mode)
    with Image.open(path) as image:
        assert image.mode == mode
        whole = image.convert("RGB")
    expected = torch.from_numpy(np.array(framing.centre_crop(whole, 20))).permute(2, 0, 1).float() / 255
    assert torch.equal(ImageFolder(root, "val", size=20)[0][0], expected)
    assert ImageFolder(root, "val", size=20, mode="L")[0][0].shape == (1, 20, 20)


def test_mixed_modes_are_refused_where_none_is_asked_for(root: Path) -> None:
    path = root / "val" / CLASSES[1] / "ILSVRC2012_val_00000001.png"
    write_image(path, "L")
    data = ImageFolder(root, "val", size=16, mode=None)
    assert (data.mode, data[0][0].shape) == ("RGB", (3, 16, 16))
    with refused(
        DataError,
        f"""
        an image has another mode
          where:    {path}
          got:      L
          expected: RGB, as the first image
          do:       convert it, or pass mode="RGB" or "L"
        """,
    ):
        data[1]
    write_image(root / "val" / CLASSES[0] / "ILSVRC2012_val_00000000.png", "L")
    assert ImageFolder(root, "val", size=16, mode=None).shape == (1, 16, 16)
    write_image(root / "val" / CLASSES[0] / "0.png", "RGBA")
    with pytest.raises(DataError, match="an image has another mode") as caught:
        ImageFolder(root, "val", mode=None)
    assert (caught.value.got, caught.value.expected) == ("RGBA", "L or RGB")


def test_the_first_image_that_can_be_decoded_decides_the_mode(root: Path) -> None:
    path = root / "val" / CLASSES[0] / "0.png"
    path.write_bytes(b"no image")
    with pytest.raises(DataError, match="an image cannot be decoded"):
        ImageFolder(root, "val", mode=None)
    assert ImageFolder(root, "val", mode=None, on_corrupt="skip").mode == "RGB"
    for other in (root / "val").glob("*/*.png"):
        other.write_bytes(b"no image")
    with pytest.raises(DataError, match="not one image can be decoded"):
        ImageFolder(root, "val", mode=None, on_corrupt="skip")


def test_a_mode_that_would_be_clipped_is_refused(root: Path) -> None:
    Image.fromarray(np.full((9, 9), 40_000, np.uint16)).save(root / "val" / CLASSES[0] / "0.png")
    with pytest.raises(DataError, match="an image has another mode") as caught:
        ImageFolder(root, "val")[0]
    assert (caught.value.got, caught.value.expected) == ("I;16", "1, L, LA, P, RGB, RGBA, CMYK, YCbCr")


def test_a_damaged_image_is_named(root: Path) -> None:
    path, data = damage(root, 6), ImageFolder(root, size=16)
    data[5]
    with pytest.raises(DataError, match="an image cannot be decoded") as caught:
        data[6]
    assert caught.value.where == str(path)
    assert caught.value.do == 'unpack it again, delete it, or pass on_corrupt="skip"'
    path.write_bytes(b"")
    with pytest.raises(DataError, match="cannot identify image file"):
        data[6]
    path.unlink()
    with pytest.raises(DataError, match="No such file"):
        data[6]
    with pytest.raises(DataError, match=f"an image cannot be decoded\\n.*{path.name}"):
        list(DataLoader(data, num_workers=1))


def test_damaged_images_are_passed_over_where_asked_for_and_reported(root: Path) -> None:
    damaged = [damage(root, at) for at in (3, 6, 7, 11)]
    data = ImageFolder(root, size=16, crop="centre", on_corrupt="skip")
    assert data.skipped == []
    with pytest.warns(UserWarning, match=r"passed over\n  where:    .*n01443537_[23]\.JPEG\n") as warned:
        sample, label = data[6]
    assert len(warned) == 2
    assert torch.equal(sample, data[8][0])
    assert label == 2
    assert data.skipped == damaged[1:3]
    data[6]  # and no warning a second time
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        batches = list(DataLoader(data, batch_size=4, num_workers=2))
    assert torch.cat([y for _, y in batches]).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2, 0]
    assert data.skipped == damaged
    for at in range(12):
        damage(root, at)
    with (
        pytest.warns(UserWarning, match="passed over"),
        refused(
            DataError,
            f"""
            not one image can be decoded
              where:    {root / "train"}
              got:      12 files
              do:       unpack the set again
            """,
        ),
    ):
        ImageFolder(root, size=16, on_corrupt="skip")[2]


@pytest.mark.filterwarnings("ignore:an image is passed over")
def test_in_a_part_one_of_the_part_takes_the_place_of_a_damaged_image(root: Path) -> None:
    """Otherwise a sample that is held back would be trained on: 3 comes after 2, and 0 after the last one."""
    damaged = [damage(root, at) for at in (2, 11)]
    data = ImageFolder(root, size=16, crop="centre", on_corrupt="skip")
    trained, held = data.part([1, 2, 4, 5, 11]), data.part([0, 3, 6])
    assert [label for _, label in trained] == [0, 1, 1, 1, 0]
    for at, place in enumerate((1, 4, 4, 5, 1)):
        assert torch.equal(trained[at][0], data[place][0])
    assert torch.equal(trained[-1][0], data[1][0])
    of_a_part = trained.part([1, 0])
    assert torch.equal(of_a_part[0][0], data[1][0])
    shown = {sample.numpy().tobytes() for sample, _ in trained}
    assert not shown & {sample.numpy().tobytes() for sample, _ in held}
    assert data.skipped == damaged
    with pytest.raises(DataError, match=r"not one image can be decoded\n.*\n  got:      2 files"):
        data.part([2, 11])[0]


def test_a_part_is_a_data_set(root: Path) -> None:
    data = ImageFolder(root, size=16, crop="centre")
    part = data.part([7, 0])
    assert (len(part), part.labels.tolist(), part.classes, part.shape, part.static) == (2, [1, 0], CLASSES, (3, 16, 16), True)
    assert torch.equal(part.sample(1), data.sample(0))
    ((x, y),) = DataLoader(part, batch_size=2, num_workers=1)
    assert y.tolist() == [1, 0]
    assert torch.equal(x, torch.stack([data[7][0], data[0][0]]))
    with pytest.raises(IndexError):
        part[2]
    damage(root, 7)
    with pytest.raises(DataError, match="an image cannot be decoded"):
        part[0]


def test_a_split_without_class_folders_is_named_whichever_one_is_read(root: Path) -> None:
    """The validation images as they come: all in one folder."""
    shutil.rmtree(root / "val")
    write_image(root / "val" / "ILSVRC2012_val_00000001.JPEG", seed=1)
    for split in ("train", "val"):
        with pytest.raises(DataError, match="a set of images in class folders is not in this folder") as caught:
            ImageFolder(root, split, size=16)
        assert caught.value.where == str(root / "val")
        assert caught.value.do == "sort the images into a folder for each class"


def test_another_folder_is_refused(tmp_path: Path, root: Path) -> None:
    with refused(
        DataError,
        f"""
        a set of images in class folders is not in this folder
          where:    {root / "train"}
          got:      n01440764/, n01443537/, n02084071/
          expected: train/CLASS/IMAGE and val/CLASS/IMAGE, such as train/n01440764/n01440764_10026.JPEG
          do:       pass the folder that holds train/
        """,
    ):
        ImageFolder(root / "train")
    flat = tmp_path / "flat" / "val"
    write_image(flat / "ILSVRC2012_val_00000001.JPEG")
    with pytest.raises(DataError) as caught:
        ImageFolder(flat.parent, "val")
    assert caught.value.do == "sort the images into a folder for each class"


def test_classes_that_differ_are_refused(root: Path) -> None:
    (root / "val" / CLASSES[2]).rename(root / "val" / "n09999999")
    with refused(
        DataError,
        f"""
        train and val have different classes
          where:    {root}
          got:      1 only in train (n02084071), 1 only in val (n09999999)
          expected: the same folders in both: labels are their places in the order of names
          do:       unpack the set again, or add what is missing
        """,
    ):
        ImageFolder(root)


def test_a_class_without_images_is_refused(root: Path) -> None:
    (root / "val" / CLASSES[1] / "ILSVRC2012_val_00000001.png").rename(root / "val" / CLASSES[1] / "image.gz")
    with refused(
        DataError,
        f"""
        an image is not in this folder
          where:    {root / "val" / CLASSES[1]}
          got:      image.gz
          expected: files that end in .jpeg, .jpg, .png, .bmp, .webp, .ppm, .tif, .tiff
          do:       unpack the class again, or remove its folder
        """,
    ):
        ImageFolder(root, "val")


def test_unknown_words_are_refused(root: Path) -> None:
    for options in ({"split": "test"}, {"crop": "none"}, {"mode": "RGBA"}, {"on_corrupt": "ignore"}):
        with pytest.raises(UsageError, match="unknown"):
            ImageFolder(root, **options)


def test_missing_pillow_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match="ImageFolder needs the package 'pillow'") as caught:
        ImageFolder(root)
    assert caught.value.do == "pip install 'snn2hw[data]'"
