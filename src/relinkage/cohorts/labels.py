"""The label vocabulary of chest radiography, and what a label's values mean."""

CHEXPERT_LABELS = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Enlarged Cardiomediastinum",
    "Fracture",
    "Lung Lesion",
    "Lung Opacity",
    "No Finding",
    "Pleural Effusion",
    "Pleural Other",
    "Pneumonia",
    "Pneumothorax",
    "Support Devices",
)
"""The 14 CheXpert labels (Irvin et al. 2019), in alphabetical order. Index by name: data sets order them
differently."""

POSITIVE, NEGATIVE, UNCERTAIN = 1, 0, -1
"""The values of a label; an absent value (null) means that the report does not mention it."""
