"""SigLIP models in the layout of transformers."""

from relinkage.encoders.catalogue.entry import CatalogueEntry, Repository, files

_SETTINGS = ("config.json", "preprocessor_config.json")
_SIGLIP_TOKENIZER = ("tokenizer_config.json", "spiece.model", "special_tokens_map.json")

SIGLIP_B16 = CatalogueEntry(
    id="siglip-b-16",
    names=("siglip:google/siglip-base-patch16-224",),
    family="siglip",
    licence="Apache-2.0",
    input_size=224,
    token_limit=64,
    image_head="none (768; attention pooling is in the tower)",
    text_head="768 → 768, bias",
    extra="siglip",
    repositories=(
        Repository(
            "google/siglip-base-patch16-224",
            "7fd15f0689c79d79e38b1c2e2e2370a7bf2761ed",
            files(
                *_SETTINGS,
                *_SIGLIP_TOKENIZER,
                "model.safetensors",
                model_safetensors="2c63cb7d1f2e95ba501893cbb8faeb4ea9a3af295498d35097126228659c2af8",
            ),
        ),
    ),
)

SIGLIP2_B16 = CatalogueEntry(
    id="siglip2-b-16",
    names=("siglip:google/siglip2-base-patch16-224",),
    family="siglip",
    licence="Apache-2.0",
    input_size=224,
    token_limit=64,
    image_head="none (768; attention pooling is in the tower)",
    text_head="768 → 768, bias",
    extra="siglip",
    repositories=(
        Repository(
            "google/siglip2-base-patch16-224",
            "75de2d55ec2d0b4efc50b3e9ad70dba96a7b2fa2",
            files(
                *_SETTINGS,
                "tokenizer_config.json",
                "tokenizer.json",
                "special_tokens_map.json",
                "model.safetensors",
            ),
        ),
    ),
)

MEDSIGLIP = CatalogueEntry(
    id="medsiglip",
    names=("siglip:google/medsiglip-448",),
    family="siglip",
    licence="Health AI Developer Foundations terms",
    input_size=448,
    token_limit=64,
    image_head="none (1152; attention pooling is in the tower)",
    text_head="1152 → 1152, bias",
    extra="siglip",
    repositories=(
        Repository(
            "google/medsiglip-448",
            "9cea28a1a1195f665105faa6e8544c112fd960a4",
            files(*_SETTINGS, *_SIGLIP_TOKENIZER, "model.safetensors"),
        ),
    ),
    gated=True,
)

XRAYSIGLIP = CatalogueEntry(
    id="xraysiglip",
    names=("siglip:StanfordAIMI/XraySigLIP__vit-l-16-siglip-384__webli",),
    family="siglip",
    licence="CC-BY-NC-4.0",
    input_size=384,
    token_limit=64,
    image_head="none (1024; attention pooling is in the tower)",
    text_head="1024 → 1024, bias",
    extra="siglip",
    repositories=(
        Repository(
            "StanfordAIMI/XraySigLIP__vit-l-16-siglip-384__webli",
            None,
            files(*_SETTINGS, *_SIGLIP_TOKENIZER, "model.safetensors"),
        ),
    ),
    note="Its other variants are asked for in the same way.",
)
