"""IJB-B and IJB-C as a study asks for them: templates verified, and searched for in galleries."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forget.data.recognition.align import align
from forget.data.recognition.encoded import decode_face, read_encoded
from forget.data.recognition.ijb import Gallery, Protocol, read_gallery, read_protocol
from forget.data.recognition.templates import Templates, aggregate
from forget.errors import ForgetError
from forget.metrics.evaluation import Report, evaluate_templates
from forget.metrics.identification import identify
from forget.progress import OnStep, silent
from forget.recognition.embedding import Embed

__all__ = ["evaluate_ijb", "ijb_templates", "search_galleries"]

FALSE_POSITIVES = (0.01, 0.1)  # rates at which the open set is told


def evaluate_ijb(
    root: Path,
    name: str,
    embed: Embed,
    rates: list[float],
    keep_norm: bool = False,
    batch: int = 128,
    on_step: OnStep = silent,
) -> Report:
    """Verifies the templates of IJB-B or IJB-C, and searches the galleries that are there.

    Arguments:
        root: The folder as InsightFace lays it out: meta, loose_crop.
        name: How its files begin: "ijbb" or "ijbc".
        embed: Aligned crops in, features out; it looks at mirror images itself, if it does.
        rates: False match rates, each in (0, 1).
        keep_norm: Whether the length of a feature weighs it, as raw embeddings of MagFace and
            AdaFace want; features of a linear model say nothing by their length.
        batch: Crops per pass.
        on_step: Told of images.

    Returns:
        The report of :func:`forget.metrics.evaluation.evaluate_templates`, the flags of the
        aggregation, and for each gallery rank-1 and TPIR at a FPIR of .01 and .1, nan where it
        has too few strangers.

    Raises:
        ForgetError: Files that are missing or do not fit together.
    """
    protocol = read_protocol(root, name)
    made = ijb_templates(root, protocol, embed, keep_norm, batch, on_step)
    pairs = np.stack([protocol.pairs.first, protocol.pairs.second], axis=1)
    report = evaluate_templates(made.features, made.ids, pairs, protocol.pairs.same, rates)
    flags = f"detector score, {'with' if keep_norm else 'without'} norm"
    return report | {"aggregation": [flags]} | search_galleries(root, name, made)


def ijb_templates(
    root: Path,
    protocol: Protocol,
    embed: Embed,
    keep_norm: bool,
    batch: int = 128,
    on_step: OnStep = silent,
) -> Templates:
    """Aligns and embeds all images of a protocol, some at a time, and puts templates together."""
    rows: list[NDArray[np.float64]] = []
    total = len(protocol.media.names)
    for crops in _crops(root, protocol, batch):
        rows.append(embed(crops))
        on_step(min(len(rows) * batch, total), total, "images of templates")
    return aggregate(
        np.concatenate(rows),
        protocol.media.templates,
        protocol.media.media,
        scores=protocol.landmarks.scores,
        keep_norm=keep_norm,
    )


def search_galleries(root: Path, name: str, made: Templates) -> Report:
    """Identification in the two galleries of a release, where their tables are in meta.

    Raises:
        ForgetError: A template in a table that has no image.
    """
    meta, report = root / "meta", Report()
    probes = sorted(meta.glob(f"{name}_1N_probe*.csv"))
    for path in sorted(meta.glob(f"{name}_1N_gallery_??.csv")):
        gallery, asked = read_gallery(path), _together([read_gallery(one) for one in probes])
        found = identify(
            _features(made, asked), list(map(str, asked.subjects)),
            _features(made, gallery), list(map(str, gallery.subjects)),
        )  # fmt: skip
        which = path.stem.rpartition("_")[2]
        report[f"rank 1 in {which} [share]"] = found.within(1)
        for rate in FALSE_POSITIVES:
            told = rate * len(found.strangers) >= 1  # fewer strangers tell no such rate
            value = found.tpir_at(rate) if told else float("nan")
            report[f"TPIR at FPIR {rate:g} in {which} [share]"] = value
    return report


def _crops(root: Path, protocol: Protocol, batch: int) -> Iterator[NDArray[np.uint8]]:
    names, points = protocol.media.names, protocol.landmarks.points
    for start in range(0, len(names), batch):
        part = range(start, min(start + batch, len(names)))
        yield np.stack([align(_image(root, names[k]), points[k]) for k in part])


def _image(root: Path, name: str) -> NDArray[np.uint8]:
    return decode_face(read_encoded(root / "loose_crop" / name), name)


def _together(tables: list[Gallery]) -> Gallery:
    if not tables:
        raise ForgetError("tables of probes beside the galleries", "none", "Copy them into meta.")
    templates = np.concatenate([one.templates for one in tables])
    subjects = np.concatenate([one.subjects for one in tables])
    first = np.unique(templates, return_index=True)[1]
    return Gallery(templates[first], subjects[first])


def _features(made: Templates, table: Gallery) -> NDArray[np.floating]:
    place = np.searchsorted(made.ids, table.templates).clip(max=len(made.ids) - 1)
    missing = table.templates[made.ids[place] != table.templates]
    if len(missing):
        raise ForgetError(
            "an image of each template that is searched",
            f"none of {missing[0]}, and {len(missing) - 1:,} more like it",
            "Copy the protocol's files again.",
        )
    return made.features[place]
