"""Pixels as open_clip makes them for inference (`transform.py`, `image_transform`), by Pillow alone."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from relinkage.errors import InputError

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
"""Of CLIP's training images, which open_clip takes where a model states none."""

_INTERPOLATION = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}


@dataclass(frozen=True)
class OpenClipPixels:
    """How a model wants its pixels.

    Attributes:
        size: height and width in pixels.
        mean: of each channel, in [0, 1].
        std: deviation of each channel.
        interpolation: `bicubic` or `bilinear`.
        resize_mode: `shortest` (the shorter side, then a centre crop), `longest` (the longer side, then
            padding) or `squash` (both sides, whatever the shape was).
        fill_color: gray level of the padding.
    """

    size: tuple[int, int] = (224, 224)
    mean: tuple[float, ...] = field(default=_MEAN)
    std: tuple[float, ...] = field(default=_DEVIATION)
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    fill_color: int = 0

    def __call__(self, image: Image.Image) -> Tensor:
        """Make pixels of one image: float32, shape (3, height, width)."""
        image = image.convert("RGB")
        height, width = self.size
        if self.resize_mode == "squash":
            image = self._resize(image, width, height)
        else:
            image = _crop_or_pad(self._keeping_shape(image), height, width, self.fill_color)
        values = torch.from_numpy(np.array(image, np.uint8)).permute(2, 0, 1).float().div(255)
        mean, std = (torch.tensor(part)[:, None, None] for part in (self.mean, self.std))
        return ((values - mean) / std).contiguous()

    def describe(self) -> str:
        """Say in one line how pixels are made."""
        how = {
            "shortest": "shorter side resized, centre crop",
            "longest": f"longer side resized, padded with {self.fill_color}",
            "squash": "resized",
        }[self.resize_mode]
        mean, std = ("/".join(f"{value:.4g}" for value in part) for part in (self.mean, self.std))
        size = f"{self.size[0]}×{self.size[1]}"
        return f"RGB, {how} to {size} ({self.interpolation}), mean {mean}, deviation {std}"

    def _keeping_shape(self, image: Image.Image) -> Image.Image:
        """Resize so that the shorter, or the longer, side fits the square or rectangle."""
        height, width = self.size
        if self.resize_mode == "shortest" and height == width:
            short, long = sorted(image.size)
            longer = int(height * long / short)
            new = (height, longer) if image.width <= image.height else (longer, height)
            return self._resize(image, *new)
        ratios = image.height / height, image.width / width
        ratio = max(ratios) if self.resize_mode == "longest" else min(ratios)
        return self._resize(image, round(image.width / ratio), round(image.height / ratio))

    def _resize(self, image: Image.Image, width: int, height: int) -> Image.Image:
        return image.resize((max(width, 1), max(height, 1)), _INTERPOLATION[self.interpolation])


def read_pixels(config: dict[str, Any], where: str) -> OpenClipPixels:
    """Read how pixels are made from `preprocess_cfg` of an open_clip_config.json.

    Args:
        config: the whole file.
        where: the file, for the error message.

    Raises:
        InputError: it asks for something that open_clip does not know.
    """
    stated = {
        name: value for name, value in (config.get("preprocess_cfg") or {}).items() if value is not None
    }
    model = config["model_cfg"].get("vision_cfg") or {}
    try:
        size = model.get("image_size", 224)  # open_clip lets the tower's size win over that of preprocess_cfg
        height, width = (size, size) if isinstance(size, int) else size[-2:]
        made = OpenClipPixels(
            size=(int(height), int(width)),
            mean=_triple(stated.get("mean", _MEAN)),
            std=_triple(stated.get("std", _DEVIATION)),
            # open_clip resizes bicubically where training drew the interpolation at random.
            interpolation=str(stated.get("interpolation", "bicubic")).replace("random", "bicubic"),
            resize_mode=str(stated.get("resize_mode", "shortest")),
            fill_color=int(stated.get("fill_color", 0)),
        )
        known = made.interpolation in _INTERPOLATION and made.resize_mode in ("shortest", "longest", "squash")
        if not known or stated.get("mode", "RGB") != "RGB" or min(made.size) < 1 or min(made.std) <= 0:
            raise ValueError
    except (TypeError, ValueError):
        raise InputError(
            f"{where} has a preprocess_cfg that cannot be followed; copy the file again."
        ) from None
    return made


def _triple(values: Any) -> tuple[float, ...]:
    triple = (
        (float(values),) * 3 if isinstance(values, int | float) else tuple(float(part) for part in values)
    )
    if len(triple) != 3:
        raise ValueError
    return triple


def _crop_or_pad(image: Image.Image, height: int, width: int, fill: int) -> Image.Image:
    """Cut the middle out, or set the image into the middle; an odd pixel of padding goes right or below."""
    if image.width < width or image.height < height:
        canvas = Image.new("RGB", (max(image.width, width), max(image.height, height)), (fill,) * 3)
        canvas.paste(image, ((canvas.width - image.width) // 2, (canvas.height - image.height) // 2))
        image = canvas
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))
