"""Networks from elsewhere: features, broken ones, ones of different size."""

import numpy as np
import pytest
import torch

from forget.auditing.evidence import Evidence
from forget.auditing.network import from_network
from forget.auditing.residue import erased
from forget.auditing.run import audit_people
from forget.auditing.subject import Subject
from forget.data.dataset import FaceDataset
from forget.errors import ForgetError
from forget.metrics.verdict import Verdict


def small(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images[:, ::8, :88:8]).float() / 255


def test_a_network_from_elsewhere_is_audited_by_its_features(
    evidence: Evidence, orl: FaceDataset
) -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(14 * 11, 40), torch.nn.ReLU(), torch.nn.Linear(40, 16)
    )

    after: Subject = from_network(network, "theirs", small)
    found = audit_people(after, evidence)
    assert any("no gallery" in note for note in found.notes)
    assert "Nobody knows here whom the network was trained on" in found.beyond
    assert {line.question for line in found.lines} >= {"verified, recalibrated"}
    assert {"1", "2", "3"} <= set(found.probes["layer"])
    # An edited weight is found there too.
    with torch.no_grad():
        weight = network[3].weight
        direction = torch.nn.functional.normalize(torch.randn(16), dim=0)
        weight -= torch.outer(direction, direction @ weight)
    assert set(erased(from_network(network, "edited", small))) == {"3.weight"}


class Twice(torch.nn.Module):
    """One activation, called at two widths."""

    def __init__(self, widths: tuple[int, int]) -> None:
        super().__init__()
        self.first = torch.nn.Linear(14 * 11, widths[0])
        self.second = torch.nn.Linear(widths[0], widths[1])
        self.act = torch.nn.Softplus()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.act(self.second(self.act(self.first(x.flatten(1)))))


@pytest.mark.parametrize("widths", [(32, 16), (16, 16)])
def test_of_a_module_that_is_called_twice_the_last_output_counts(
    orl: FaceDataset, widths: tuple[int, int]
) -> None:
    network = Twice(widths).train()
    subject = from_network(network, "theirs", small, features="act")
    assert subject.layers is not None
    assert subject.layers(orl.images[:10])["act"].shape == (10, 16)
    assert subject.embed(orl.images[:10]).shape == (10, 16)
    plain = from_network(network, "theirs", small)
    assert np.array_equal(subject.embed(orl.images[:10]), plain.embed(orl.images[:10]))
    assert network.training and network.act.training  # the caller's network stays as it was


def test_a_broken_network_is_refused_and_a_constant_one_verifies_nobody(
    evidence: Evidence, orl: FaceDataset
) -> None:
    class Constant(torch.nn.Module):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.value = value

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.full((len(x), 8), self.value)

    for classes in ((), orl.identities[:8]):
        broken = from_network(Constant(float("nan")), "broken", small, classes=classes)
        with pytest.raises(ForgetError, match="finite|numbers"):
            audit_people(broken, evidence)
    found = audit_people(from_network(Constant(1.0), "constant", small), evidence)
    (line,) = (one for one in found.lines if one.question == "verified, recalibrated")
    assert line.value == line.target == 0
    assert found.verdict is not Verdict.PASS


def test_two_networks_of_different_size_are_compared_where_they_can_be(
    evidence: Evidence,
) -> None:
    before, after = (from_network(Twice((16, width)), "theirs", small) for width in (8, 16))
    found = audit_people(after, evidence, before)
    assert np.isnan(found.difference["auc"])
    questions = {line.question for line in found.lines}
    assert "verified, recalibrated" in questions
    assert "verified, at the original threshold" not in questions
    assert any("different size" in note for note in found.notes)
