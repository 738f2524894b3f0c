"""CLIP models in the layout of transformers."""

from relinkage.encoders.catalogue.entry import CatalogueEntry, Repository, files

_SETTINGS = ("config.json", "preprocessor_config.json")
_CLIP_TOKENIZER = (
    "tokenizer_config.json",
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
)

CLIP_B32 = CatalogueEntry(
    id="clip-vit-b-32",
    names=("clip:openai/clip-vit-base-patch32",),
    family="clip",
    licence="not stated (the code is MIT)",
    input_size=224,
    token_limit=77,
    image_head="768 → 512, no bias",
    text_head="512 → 512, no bias",
    extra="models",
    repositories=(
        Repository(
            "openai/clip-vit-base-patch32",
            "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268",
            files(
                *_SETTINGS,
                *_CLIP_TOKENIZER,
                "pytorch_model.bin",
                pytorch_model_bin="a63082132ba4f97a80bea76823f544493bffa8082296d62d71581a4feff1576f",
            ),
        ),
    ),
)

PUBMEDCLIP = CatalogueEntry(
    id="pubmedclip",
    names=("clip:flaviagiammarino/pubmed-clip-vit-base-patch32",),
    family="clip",
    licence="MIT",
    input_size=224,
    token_limit=77,
    image_head="768 → 512, no bias",
    text_head="512 → 512, no bias",
    extra="models",
    repositories=(
        Repository(
            "flaviagiammarino/pubmed-clip-vit-base-patch32",
            "26c0c67f6da303ad2a38909130bd35744ea93517",
            files(
                *_SETTINGS,
                *_CLIP_TOKENIZER,
                "pytorch_model.bin",
                pytorch_model_bin="4daa7650d2b47e55c37b5ca7dcabe826fd82407c26028a574bcc422f35a94aa4",
            ),
        ),
    ),
)

XRAYCLIP = CatalogueEntry(
    id="xrayclip",
    names=("clip:StanfordAIMI/XrayCLIP__vit-b-16__laion2b-s34b-b88k",),
    family="clip",
    licence="CC-BY-NC-4.0",
    input_size=512,
    token_limit=77,
    image_head="768 → 512, no bias",
    text_head="512 → 512, no bias",
    extra="models",
    repositories=(
        Repository(
            "StanfordAIMI/XrayCLIP__vit-b-16__laion2b-s34b-b88k",
            None,
            files(*_SETTINGS, *_CLIP_TOKENIZER, "model.safetensors"),
        ),
    ),
    note="The input size is second-hand; pixels are made as its preprocessor_config.json says.",
)
