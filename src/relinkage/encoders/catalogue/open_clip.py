"""Models in the layout of open_clip."""

from relinkage.encoders.catalogue.entry import CatalogueEntry, Repository, files

BIOMEDCLIP = CatalogueEntry(
    id="biomedclip",
    names=(
        "open_clip:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
        "hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
    ),
    family="open_clip",
    licence="MIT",
    input_size=224,
    token_limit=256,
    image_head="768 → 512, no bias",
    text_head="768 → 640 → GELU → 512, no bias",
    extra="models",
    repositories=(
        Repository(
            "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
            "9f341de24bfb00180f1b847274256e9b65a3a32e",
            files(
                "open_clip_config.json",
                "open_clip_pytorch_model.bin",
                open_clip_pytorch_model_bin="52cc993c5c5ff962bd0c60931874bc001e7e9b41666a385530f4a036294576be",
            ),
        ),
        Repository(
            "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract",
            "d673b8835373c6fa116d6d8006b33d48734e305d",
            files("config.json", "tokenizer_config.json", "vocab.txt"),
            folder="text",
        ),
    ),
    note="The text tower's configuration and vocabulary are in a repository of their own.",
)
