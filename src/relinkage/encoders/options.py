"""What can be chosen about an encoder beside its name."""

from dataclasses import dataclass
from typing import Literal

import torch

from relinkage.encoders.mobilenet import Square
from relinkage.errors import InputError


@dataclass(frozen=True)
class EncoderOptions:
    """What can be chosen about an encoder beside its name.

    Attributes:
        device: `auto` takes a GPU where torch finds one.
        download: ask the Hugging Face hub for a model that is not on this machine. Without it only folders
            and the local cache are read, and the network is never asked.
        image_size: side in pixels of the square that a MobileNetV2 tower sees; other encoders bring theirs.
        square: how a MobileNetV2 tower makes an image square: `pad` or `stretch`.
        text_dimension: width of the features of the `tfidf` tower, capped by what the reports allow.
        seed: seed of what is fitted (the SVD of `tfidf`).
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    download: bool = False
    image_size: int = 224
    square: Square = "pad"
    text_dimension: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        if not 32 <= self.image_size <= 2048:
            raise InputError(f"The image size is {self.image_size}; give a number of pixels from 32 to 2048.")
        if self.square not in ("pad", "stretch"):
            raise InputError(f"The square is {self.square}; give pad or stretch.")

    def torch_device(self) -> torch.device:
        """Give the device that the encoder is to run on.

        Raises:
            InputError: there is no such device on this machine.
        """
        if self.device not in ("auto", "cpu", "cuda"):
            raise InputError(f"The device is {self.device}; give auto, cpu or cuda.")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise InputError("torch finds no CUDA device on this machine; give the device cpu or auto.")
        return torch.device("cuda" if self.device != "cpu" and torch.cuda.is_available() else "cpu")
