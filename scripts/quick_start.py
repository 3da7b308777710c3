"""Checks that a study can begin: packages, devices, network, photographs, evaluation sets.

    python -m scripts.quick_start
    python -m scripts.quick_start --config config.yaml --try

Every line says what is there, or what is missing and what to do. --try forgets somebody too.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import torch

from forget.commands import ended
from forget.data.dataset import FaceDataset
from forget.errors import ForgetError
from forget.linearizations import LastLayer
from forget.recognition.command_line import parser_of, settings_of
from forget.recognition.devices import is_first
from forget.recognition.evaluation import HELD_OUT, chosen_sets
from forget.recognition.faces import people_of, resolved, study_faces
from forget.recognition.forgetting import effect_on, spoken
from forget.recognition.linear_part import fit_linear
from forget.recognition.methods import study_method, unlearn_people
from forget.recognition.networks import study_network
from forget.recognition.settings import Settings
from forget.runs.files import PACKAGES
from forget.runtime import machine, versions


def main(arguments: Sequence[str] | None = None) -> int:
    """Checks each part, and forgets somebody if asked to."""
    if not is_first():
        return 0
    parser = parser_of(__doc__ or "")
    parser.add_argument("--try", dest="tries", action="store_true", help="forget somebody, too")
    said = parser.instantiate(parser.parse_args(arguments))
    parts = _Parts(settings_of(said))
    failed = 0
    for name, check in parts.checks():
        try:
            print(f"ok    {name}: {check()}")
        except ForgetError as error:
            failed += 1
            print(f"FAILS {name}: {error}")
    if said.tries and not failed:
        print("\n".join(parts.attempt()))
    print("Ready." if not failed else f"{failed} to repair; nothing was changed.")
    return 1 if failed else 0


class _Parts:
    """The parts of a study, each loaded once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def checks(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """Names of parts and what looks at them."""
        yield "packages", lambda: ", ".join(f"{k} {v}" for k, v in versions(*PACKAGES).items())
        yield "devices", self._devices
        yield "network", self._network
        yield "photographs", self._faces
        yield "both together", self._together
        yield "whom to forget", self._people
        yield "evaluation", self._sets

    @cached_property
    def network(self) -> LastLayer:
        return study_network(self.settings.model)

    @cached_property
    def faces(self) -> FaceDataset:
        return study_faces(self.settings)

    def _devices(self) -> str:
        gpus = [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())]
        if self.settings.device.cuda and not gpus:
            raise ForgetError("a GPU, as device.cuda says", "none", "Set device.cuda to false.")
        return ", ".join([*gpus, machine()])

    def _network(self) -> str:
        known = self.network.record
        said = "nobody knows who trained it" if known is None else f"{len(known.people)} people"
        return f"{self.settings.model.backbone}, {self.network.space.dimension} numbers, {said}"

    def _faces(self) -> str:
        faces = self.faces
        return (
            f"{len(faces.identities):,} people, {len(faces.labels):,} photographs of "
            f"{faces.images.shape[2]} x {faces.images.shape[1]} pixels"
        )

    def _together(self) -> str:
        shape = self.network.features(self.faces.images[:2]).shape
        return f"photographs become {shape[1]} numbers"

    def _people(self) -> str:
        wanted = people_of(self.faces, self.settings.unlearning.target_identities)
        photographs = sum(len(self.faces.of(one)) for one in wanted)
        return f"{', '.join(wanted)} ({photographs} photographs), by {self._method}"

    @property
    def _method(self) -> str:
        return study_method(self.settings.unlearning)[0]

    def _sets(self) -> str:
        sets, data = chosen_sets(self.settings), self.settings.data
        for one in sets:
            if one != HELD_OUT and not resolved(getattr(data.evaluation, one), data).exists():
                path = getattr(data.evaluation, one)
                raise ForgetError(f"the set {one}", f"nothing at {path}", "Correct the path.")
        return ", ".join(sets)

    def attempt(self) -> list[str]:
        """Forgets, and says what changed."""
        keys = self.settings.unlearning
        people = people_of(self.faces, keys.target_identities)
        model = fit_linear(self.settings, self.faces, self.network)
        found = unlearn_people(model, self.faces, people, keys)
        return spoken(self._method, found, effect_on(model, found, self.faces, people))


if __name__ == "__main__":
    sys.exit(ended(main))
