"""Models that come as a state dict and their authors' own code."""

from relinkage.encoders.catalogue.entry import CatalogueEntry, Repository, files

_BERT = ("config.json", "vocab.txt", "pytorch_model.bin")
_CLINICAL_BERT = Repository("emilyalsentzer/Bio_ClinicalBERT", None, files("config.json", "vocab.txt"))

BIOVIL = CatalogueEntry(
    id="biovil",
    names=("biovil:microsoft/BiomedVLP-CXR-BERT-specialized",),
    family="biovil",
    licence="MIT",
    input_size=480,
    token_limit=512,
    image_head="grid of 2048 → 128 → BatchNorm → ReLU → 128, spatial mean",
    text_head="768 → 128 → GELU → LayerNorm → 128",
    extra="models",
    repositories=(
        Repository(
            "microsoft/BiomedVLP-CXR-BERT-specialized",
            "v1.1",
            files(*_BERT, "tokenizer_config.json", "biovil_image_resnet50_proj_size_128.pt"),
        ),
    ),
    note="Its features are a grid, 0.9 MB an image.",
)

BIOVIL_T = CatalogueEntry(
    id="biovil-t",
    names=("biovil-t:microsoft/BiomedVLP-BioViL-T",),
    family="biovil-t",
    licence="MIT",
    input_size=448,
    token_limit=512,
    image_head="grid of 512 → 128 → BatchNorm → ReLU → 128, spatial mean",
    text_head="768 → 128 → GELU → LayerNorm → 128",
    extra="models",
    repositories=(
        Repository(
            "microsoft/BiomedVLP-BioViL-T",
            "v1.0",
            files(*_BERT, "tokenizer_config.json", "biovil_t_image_model_proj_size_128.pt"),
        ),
    ),
    note="Its features are a grid, 0.2 MB an image; images are seen on their own, without an earlier one.",
)

CXR_CLIP = CatalogueEntry(
    id="cxr-clip",
    names=("cxr-clip:FOLDER",),
    family="cxr-clip",
    licence="CC-BY-NC-4.0",
    input_size=224,
    token_limit=256,
    image_head="2048 (ResNet-50) or 768 (Swin) → 512, bias",
    text_head="768 → 512, bias",
    extra="models",
    repositories=(
        Repository(
            "kakaobrain/cxr-clip",
            None,
            files("r50_mcc.tar"),
            url="https://github.com/kakaobrain/cxr-clip#pre-trained-model-checkpoint",
        ),
        _CLINICAL_BERT,
    ),
    note="Any of its six checkpoints, r50_*.tar or swint_*.tar, beside Bio_ClinicalBERT's config.json and "
    "vocab.txt.",
)

MEDCLIP = CatalogueEntry(
    id="medclip",
    names=("medclip:FOLDER",),
    family="medclip",
    licence="not stated (the code is BSD)",
    input_size=224,
    token_limit=77,
    image_head="2048 (ResNet-50) or 768 (Swin) → 512, no bias",
    text_head="768 → 512, no bias",
    extra="models",
    repositories=(
        Repository(
            "RyanWangZf/MedCLIP",
            None,
            files("pytorch_model.bin"),
            url="https://storage.googleapis.com/pytrial/medclip-vit-pretrained.zip",
        ),
        _CLINICAL_BERT,
    ),
    note="The pytorch_model.bin out of that zip (or of medclip-pretrained.zip: ResNet-50), beside "
    "Bio_ClinicalBERT's config.json and vocab.txt.",
)
