"""What can be chosen about an encoder beside its name."""

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from relinkage.errors import InputError
from relinkage.options import Count, Seed, Settings

if TYPE_CHECKING:
    import torch

Square = Literal["pad", "stretch"]


class EncoderChoices(Settings, frozen=True):
    """What a command takes about an encoder beside its name.

    Attributes:
        device: Processor that encodes; auto takes a GPU where torch finds one.
        download: Ask the Hugging Face hub for a model that is not on this machine; otherwise the network is
            never asked.
        image_size: Side in pixels of the square that a MobileNetV2 tower sees; other encoders bring theirs.
        square: How a MobileNetV2 tower makes an image square.
        text_dimension: Width of the features of the tower tfidf, capped by what the reports allow.
    """

    device: Literal["auto", "cpu", "cuda"] = "auto"
    download: bool = False
    image_size: Annotated[int, Meta(ge=32, le=2048)] = 224
    square: Square = "pad"
    text_dimension: Count = 256

    def torch_device(self) -> "torch.device":
        """Return the device that the encoder is to run on.

        Raises:
            InputError: there is no such device on this machine.
        """
        import torch

        if self.device == "cuda" and not torch.cuda.is_available():
            raise InputError("torch finds no CUDA device on this machine; give --device cpu or auto.")
        return torch.device("cuda" if self.device != "cpu" and torch.cuda.is_available() else "cpu")


class EncoderOptions(EncoderChoices, frozen=True):
    """What can be chosen about an encoder beside its name.

    Attributes:
        seed: Seed of what is fitted, which is the SVD of the tower tfidf.
    """

    seed: Seed = 0
