"""The photographs that a study learns from, wherever its settings say they lie."""

from dataclasses import replace
from pathlib import Path

from forget.data.dataset import FaceDataset
from forget.data.load import SOURCES, load_faces
from forget.data.recognition.crops import load_crops
from forget.errors import ForgetError
from forget.progress import OnStep, silent
from forget.recognition.settings import DataSettings, Ms1mv2Settings, Settings

__all__ = ["people_of", "resolved", "study_faces"]


def study_faces(settings: Settings, on_step: OnStep = silent) -> FaceDataset:
    """Loads the photographs of a study.

    The embedder reads photographs as they are, all other networks aligned crops of 112 x 112
    pixels. A data set that does not say who trained its network gets a core all the same, a share
    of the people, evenly spread: they choose what has to be chosen before anybody is added.

    Raises:
        ForgetError: Nothing of the kind is there, or other numbers of people and photographs than
            the settings say.
    """
    data = settings.data
    faces = _load(settings, on_step)
    if data.ms1mv2.path:
        _check_counts(faces, data.ms1mv2)
    if not 0 < data.core_share < 1:
        got = f"{data.core_share:g}"
        raise ForgetError("data.core_share above 0 and below 1", got, "Try 0.5.")
    return faces if faces.core else replace(faces, core=_spread(faces, data.core_share))


def people_of(faces: FaceDataset, wanted: list[int | str]) -> list[str]:
    """Identity ids of people by id, or by their place in the list of people.

    A number is looked up as an id first, since people of record files are numbered.

    Raises:
        ForgetError: Nobody is named, or a place beyond the list.
    """
    if not wanted:
        raise ForgetError(
            "somebody to forget",
            "nobody",
            "Name people with --unlearning.target_identities [s34], or --identity-ids s34.",
        )
    known = set(faces.identities)
    return [one if one in known else _at(faces, one) for one in map(str, wanted)]


def resolved(path: str, data: DataSettings) -> Path:
    """Where a set lies: relative to data.root_dir, if that is a folder and the set is there."""
    own = Path(path).expanduser()
    beside = Path(data.root_dir).expanduser() / own
    return beside if not own.is_absolute() and beside.exists() else own


def _load(settings: Settings, on_step: OnStep) -> FaceDataset:
    data = settings.data
    if data.ms1mv2.path:
        return load_crops(resolved(data.ms1mv2.path, data), "MS1MV2", on_step)
    if data.root_dir.lower() in SOURCES:
        return load_faces(data.root_dir)
    folder = Path(data.root_dir).expanduser()
    if settings.model.backbone == "embedder" and not settings.model.use_insightface:
        return load_faces(folder)
    return load_crops(folder, on_step=on_step)


def _spread(faces: FaceDataset, share: float) -> tuple[str, ...]:
    people = faces.identities
    wanted = min(max(round(share * len(people)), 1), len(people) - 1)
    return tuple(people[k * len(people) // wanted] for k in range(wanted))


def _at(faces: FaceDataset, number: str) -> str:
    """The person at a place; what is no place is left to whoever looks people up."""
    if not number.isdecimal():
        return number
    if int(number) >= len(faces.identities):
        raise ForgetError(
            f"places from 0 to {len(faces.identities) - 1} in the list of people",
            number,
            "Name people by id, such as s34.",
        )
    return faces.identities[int(number)]


def _check_counts(faces: FaceDataset, said: Ms1mv2Settings) -> None:
    found = {"num_identities": len(faces.identities), "num_images": len(faces.labels)}
    for key, count in found.items():
        wanted = getattr(said, key)
        if wanted is not None and wanted != count:
            raise ForgetError(
                f"data.ms1mv2.{key}: {wanted:,}",
                f"{count:,}",
                "Copy the files again, or correct the key.",
            )
