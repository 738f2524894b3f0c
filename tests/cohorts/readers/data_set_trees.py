"""Small trees in the layouts in which data sets are published, and what went into them."""

import gzip
import io
import json
import tarfile
import zipfile

import polars as pl
from PIL import Image

LABELS = ("Edema", "No Finding", "Atelectasis", "Cardiomegaly")

REPORT = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___F with cough

 TECHNIQUE:  Chest PA and lateral

 COMPARISON:  None.

 FINDINGS:

 The heart is normal in {0}.
 Lungs are clear.

 IMPRESSION:

 No acute process {0}.
"""

# subject, study, views
MIMIC = (
    ("10000032", "50414267", ("PA", "LATERAL")),
    ("10000032", "53189527", ("AP",)),
    ("10000764", "57375967", ("AP", "", "SWIMMERS")),
    ("11000001", "58000001", ("LL",)),
)


def write_bytes(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (16, 16)).save(path)


def write_csv(path, columns, packed=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = pl.DataFrame(columns).write_csv()
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())


def mimic_rows(studies=MIMIC):
    return [
        {"dicom_id": f"{study}-{number}", "subject_id": subject, "study_id": study, "view": view}
        for subject, study, views in studies
        for number, view in enumerate(views)
    ]


def mimic(root, studies=MIMIC, packed=True, texts=None, splits=None, images=True):
    """MIMIC-CXR-JPG with its reports in the zip; every study has the report that `texts` has, or `REPORT`."""
    rows, end = mimic_rows(studies), ".csv.gz" if packed else ".csv"
    ids = {key: [row[key] for row in rows] for key in ("dicom_id", "subject_id", "study_id")}
    write_csv(
        root / f"mimic-cxr-2.0.0-metadata{end}",
        ids | {"ViewPosition": [row["view"] or None for row in rows], "StudyDate": ["21800506"] * len(rows)},
        packed,
    )
    split = [(splits or {}).get(row["study_id"], "train") for row in rows]
    write_csv(root / f"mimic-cxr-2.0.0-split{end}", ids | {"split": split}, packed)
    labels = {label: ["1.0", "", "0.0", "-1.0"][: len(studies)] for label in LABELS}
    of_study = {"subject_id": [s[0] for s in studies], "study_id": [s[1] for s in studies]}
    write_csv(root / f"mimic-cxr-2.0.0-chexpert{end}", of_study | labels, packed)
    with zipfile.ZipFile(root / "mimic-cxr-reports.zip", "w") as reports:
        for subject, study, _ in studies:
            text = (texts or {}).get(study, REPORT.format(study))
            if text is not None:
                reports.writestr(f"files/p{subject[:2]}/p{subject}/s{study}.txt", text)
    for row in rows if images else ():
        subject, study = row["subject_id"], row["study_id"]
        picture(root / f"files/p{subject[:2]}/p{subject}/s{study}/{row['dicom_id']}.jpg")
    return root


# path, patient, frontal_lateral, ap_pa, findings, impression, split
CHEXPERT = (
    (
        "train/patient00001/study1/view1_frontal.jpg",
        "Frontal",
        "AP",
        None,
        "Stable since 1-1-2001.",
        "train",
    ),
    (
        "train/patient00001/study1/view2_lateral.jpg",
        "Lateral",
        None,
        None,
        "Stable since 2-2-2002.",
        "train",
    ),
    ("train/patient00001/study2/view1_frontal.jpg", "Frontal", "PA", "Clear.", "Normal.", "train"),
    ("train/patient00002/study1/view1_frontal.jpg", "Frontal", "AP", None, None, "train"),
    ("valid/patient00002/study3/view1_frontal.jpg", "Frontal", "PA", None, "Effusion.", "valid"),
)
_COLUMNS = """
    path_to_image path_to_dcm frontal_lateral ap_pa deid_patient_id patient_report_date_order
    report section_narrative section_clinical_history section_history section_comparison
    section_technique section_procedure_comments section_findings section_impression
    section_end_of_impression section_summary section_accession_number age sex race ethnicity
    interpreter_needed insurance_type recent_bmi deceased split
"""
CHEXPERT_COLUMNS = tuple(_COLUMNS.split())


def chexpert(root, rows=CHEXPERT, images=True):
    """CheXpert Plus with its 27 columns; PNG files in `PNG/PNG/`, labels in a folder of their own."""
    columns = {name: [None] * len(rows) for name in CHEXPERT_COLUMNS}
    columns |= {
        "path_to_image": [row[0] for row in rows],
        "frontal_lateral": [row[1] for row in rows],
        "ap_pa": [row[2] for row in rows],
        "deid_patient_id": [row[0].split("/")[1] for row in rows],
        "report": [f"NARRATIVE:\r\nText of {row[0]}\nIMPRESSION: {row[4]}" for row in rows],
        "section_findings": [row[3] for row in rows],
        "section_impression": [row[4] for row in rows],
        "age": ["61.0"] * len(rows),
        "sex": ["Female"] * len(rows),
        "split": [row[5] for row in rows],
    }
    write_csv(root / "df_chexpert_plus_240401.csv", columns)
    lines = [
        json.dumps({"path_to_image": row[0], "No Finding": None, "Edema": value, "Cardiomegaly": 1.0})
        for row, value in zip(rows, (1.0, 0.0, -1.0, None, 1.0), strict=True)
    ]
    write_bytes(root / "chexbert_labels/impression_fixed.json", "\n".join(lines).encode())
    for row in rows if images else ():
        picture(root / "PNG/PNG" / row[0].replace(".jpg", ".png"))
    return root


def open_i(root, images=True):
    """Open-I as Kaggle has it: three reports, the last without text, four images."""
    write_csv(
        root / "indiana_reports.csv",
        {
            "uid": ["1", "2", "3"],
            "MeSH": ["normal", "Cardiomegaly/mild;Opacity/lung/base/left", "no indexing"],
            "Problems": ["normal", "Cardiomegaly;Opacity", "no indexing"],
            "image": ["Xray Chest PA and Lateral"] * 3,
            "indication": ["Positive TB test", "XXXX-year-old", None],
            "comparison": [None, None, None],
            "findings": ["The cardiac silhouette is normal.", None, None],
            "impression": ["Normal chest.", "Enlarged heart. XXXX opacity.", None],
        },
    )
    names = ["1_IM-0001-4001.dcm.png", "1_IM-0001-3001.dcm.png", "2_IM-0652-1001.dcm.png", "3_IM-1.dcm.png"]
    write_csv(
        root / "indiana_projections.csv",
        {
            "uid": ["1", "1", "2", "3"],
            "filename": names,
            "projection": ["Frontal", "Lateral"] + ["Frontal"] * 2,
        },
    )
    for name in names if images else ():
        picture(root / "images/images_normalized" / name)
    return root


XML = """<?xml version="1.0" encoding="utf-8"?>
<eCitation><uId id="CXR{uid}"/><MedlineCitation><Article><Abstract>
<AbstractText Label="COMPARISON">None.</AbstractText><AbstractText Label="INDICATION">XXXX</AbstractText>
<AbstractText Label="FINDINGS">{findings}</AbstractText>
<AbstractText Label="IMPRESSION">{impression}</AbstractText></Abstract></Article></MedlineCitation>
<MeSH><major>{mesh}</major></MeSH>{images}</eCitation>
"""


def nlmcxr(root):
    """Open-I as the two archives of NLMCXR unpack: an XML file for each report, PNG images."""
    reports = {
        1: ("The heart is normal.", "Normal chest.", "normal", 2),
        2: ("", "XXXX effusion &lt; 1 cm.", "Pleural Effusion/left", 1),
        3: ("", "No image of this.", "normal", 0),
    }
    for uid, (findings, impression, mesh, count) in reports.items():
        names = [f"CXR{uid}_1_IM-0001-300{number}" for number in range(count)]
        images = "".join(f'<parentImage id="{name}"><caption>Chest</caption></parentImage>' for name in names)
        text = XML.format(uid=uid, findings=findings, impression=impression, mesh=mesh, images=images)
        write_bytes(root / f"ecgen-radiology/{uid}.xml", text.encode())
        for name in names:
            picture(root / f"NLMCXR_png/{name}.png")
    return root


def png():
    buffer = io.BytesIO()
    Image.new("L", (16, 16)).save(buffer, "PNG")
    return buffer.getvalue()


def saved_to_disk(root):
    """What `datasets.DatasetDict.save_to_disk` leaves: a folder a split, Arrow streams, JSON beside them."""
    for split, count in (("train", 3), ("test", 2)):
        folder = root / split
        folder.mkdir(parents=True)
        table = pl.DataFrame(
            {
                "image": [{"bytes": png(), "path": None}] * (count - 1) + [{"bytes": None, "path": None}],
                "text": [f"Report {split} {row}" for row in range(count)],
                "subject_id": [row // 2 + (split == "test") * 10 for row in range(count)],
                "view": [0, 1, 0][:count],
                "Edema": [1.0, None, -1.0][:count],
            },
            schema_overrides={"image": pl.Struct({"bytes": pl.Binary, "path": pl.String})},
        )
        table.write_ipc_stream(folder / "data-00000-of-00001.arrow", compat_level=pl.CompatLevel.oldest())
        features = {"view": {"names": ["frontal", "lateral"], "_type": "ClassLabel"}}
        (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_split": split}
        (folder / "state.json").write_text(json.dumps(state))
    (root / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    return root


def parquet(root):
    """What `datasets` downloads as: Parquet files in `data/`, named by split."""
    for split in ("train", "validation"):
        table = pl.DataFrame(
            {
                "image": [{"bytes": png(), "path": "a.png"}, {"bytes": None, "path": "pictures/b.png"}],
                "findings": ["Clear.", None],
                "impression": ["Normal.", f"Effusion in {split}."],
                "study_id": [1, 2],
                "patient_id": [f"{split}-1", f"{split}-2"],
            }
        )
        (root / "data").mkdir(parents=True, exist_ok=True)
        table.write_parquet(root / f"data/{split}-00000-of-00001.parquet")
    picture(root / "data/pictures/b.png")
    return root


def shards(root):
    """WebDataset: a shard with texts, a shard with texts and JSON."""
    samples = {
        "train-000.tar": {"0001.jpg": png(), "0001.txt": b"Clear lungs.", "0002.txt": b"No image of this."},
        "test-000.tar": {
            "./a/0001.png": png(),
            "./a/0001.txt": "Œdème.".encode(),
            "./a/0001.json": json.dumps({"patient_id": "p1", "view": "PA", "Edema": 1, "age": 40}).encode(),
            "./a/._0001.png": b"what macOS leaves",
        },
    }
    root.mkdir(parents=True, exist_ok=True)
    for name, members in samples.items():
        with tarfile.open(root / name, "w") as shard:
            for member, content in members.items():
                header = tarfile.TarInfo(member)
                header.size = len(content)
                shard.addfile(header, io.BytesIO(content))
    return root


def mimic_dicom(root):
    """MIMIC-CXR as DICOM: two lists, images and reports in one tree; an image and a report are not there."""
    studies = {(10000032, 50000001): ["a", "b"], (10000033, 50000002): ["c"], (10000033, 50000003): ["d"]}
    images = [
        (subject, study, name, f"files/p10/p{subject}/s{study}/{name}.dcm")
        for (subject, study), names in studies.items()
        for name in names
    ]
    columns = ("subject_id", "study_id", "dicom_id", "path")
    records = {column: [row[place] for row in images] for place, column in enumerate(columns)}
    write_csv(root / "cxr-record-list.csv.gz", records, packed=True)
    reports = {study: f"files/p10/p{subject}/s{study}.txt" for subject, study in studies}
    lists = {
        "subject_id": [subject for subject, _ in studies],
        "study_id": list(reports),
        "path": list(reports.values()),
    }
    write_csv(root / "cxr-study-list.csv.gz", lists, packed=True)
    for _, _, name, path in images:
        if name != "b":
            write_bytes(root / path, b"a DICOM file, not opened here")
    for study, path in list(reports.items())[:2]:
        write_bytes(root / path, f"FINAL REPORT\n IMPRESSION:  Study {study}.\n".encode())
    return root


def r2gen(root):
    """The layout of R2Gen: studies by split, each with a list of images below `images/`."""
    studies = {
        "train": [("CXR1", "The lungs are clear.", ["CXR1/0.png", "CXR1/1.png"])],
        "val": [("CXR2", "Effusion.", ["CXR2/0.png"]), ("CXR3", "", ["CXR3/0.png"])],
        "test": [("CXR4", "No image of this.", [])],
    }
    told = {
        split: [
            {"id": name, "report": report, "image_path": images, "split": split}
            for name, report, images in each
        ]
        for split, each in studies.items()
    }
    write_bytes(root / "annotation.json", json.dumps(told).encode())
    for each in studies.values():
        for _, _, images in each:
            for image in images:
                picture(root / "images" / image)
    return root


def imagefolder(root):
    """Hugging Face's imagefolder: metadata as JSON Lines in one split and as CSV in another."""
    lines = [
        {"file_name": "a.png", "text": "Clear.", "patient_id": 7, "Edema": False},
        {"file_names": ["sub/b.png", "c.png"], "text": "Effusion.", "patient_id": 8},
        {"file_name": None, "text": "No image of this."},
    ]
    write_bytes(root / "train/metadata.jsonl", "\n".join(map(json.dumps, lines)).encode())
    write_csv(root / "test/metadata.csv", {"file_name": ["d.png"], "text": ["Œdème."], "patient_id": [9]})
    for name in ("train/a.png", "train/sub/b.png", "train/c.png", "test/d.png"):
        picture(root / name)
    return root
