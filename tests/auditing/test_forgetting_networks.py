"""Networks that name people: methods that leave traces fail, training again does not."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from torch import Tensor

from forget.auditing.evidence import Evidence
from forget.auditing.network import from_network
from forget.auditing.outcome import Audit
from forget.auditing.run import audit_people
from forget.auditing.subject import Subject
from forget.data.dataset import FaceDataset, Images
from forget.data.partition import Partition, by_person
from forget.errors import ForgetError
from forget.methods.registry import NETWORK_METHODS
from forget.metrics.detection import detect
from forget.metrics.verdict import Verdict
from forget.models.classifier import Classifier
from forget.networks import Networks, train_networks
from forget.problems import Problem, load_problem
from forget.recipe import to_input
from forget.training import accelerate

GONE = ["s22", "s25", "s26", "s29", "s31", "s34", "s37", "s39"]
pytestmark = pytest.mark.slow


def prepare(images: Images) -> Tensor:
    """Photographs as the network was trained on them."""
    small = [Image.fromarray(one).resize((32, 32), Image.Resampling.BOX) for one in images]
    return to_input(np.stack([np.asarray(one) for one in small])[..., None], 32)


@pytest.fixture(scope="module")
def problem() -> Problem:
    """Naming twenty people; the other twenty are never trained on."""
    whole = load_problem("orl")
    ours = np.array([i for i in whole.data.train if whole.data.people[i] > "s20"])
    return replace(whole, data=replace(whole.data, parts={**whole.data.parts, "train": ours}))


@pytest.fixture(scope="module")
def split(problem: Problem) -> Partition:
    return by_person(problem.data, GONE)


@pytest.fixture(scope="module")
def networks(problem: Problem, split: Partition) -> Networks:
    return train_networks(problem, split, 0, accelerate("cpu"), 0.0)


@pytest.fixture(scope="module")
def evidence(orl: FaceDataset) -> Evidence:
    return Evidence.of(orl, GONE, orl.core)


@pytest.fixture(scope="module")
def subject(orl: FaceDataset) -> Callable[[Classifier, str], Subject]:
    def made(network: Classifier, name: str) -> Subject:
        return from_network(
            network, name, prepare, ["body"], classes=orl.identities, features="body"
        )

    return made


@pytest.fixture(scope="module")
def audited(
    networks: Networks, split: Partition, evidence: Evidence, subject: Callable
) -> Callable[[str], Audit]:
    before, reference = (
        subject(networks.original, "before"),
        subject(networks.reference, "trained again"),
    )

    def run(method: str) -> Audit:
        network = networks.reference
        if method != "retrain":
            found = NETWORK_METHODS[method](networks.original, split, fabric=accelerate("cpu"))
            network = found.model
        after = subject(network, method)
        return audit_people(after, evidence, before, reference=reference)

    return run


def test_training_again_fails_nowhere(audited: Callable[[str], Audit]) -> None:
    found = audited("retrain")
    assert Verdict.FAIL not in {line.verdict for line in found.lines}
    assert all(line.reference == line.value for line in found.lines)


@pytest.mark.parametrize("method", ["scrub", "negative_gradient"])
def test_methods_that_leave_traces_fail_where_they_do(
    audited: Callable[[str], Audit], method: str
) -> None:
    found = audited(method)
    assert found.verdict is Verdict.FAIL
    failed = {line.question: line for line in found.lines if line.verdict is Verdict.FAIL}
    assert "stands out by the best score" in failed
    line = failed["stands out by the best score"]
    assert line.value > 0.8 and abs(line.reference - 0.5) < 0.2
    assert len(found.collateral) and found.difference


def test_shadows_that_were_made_beforehand_are_a_line(
    networks: Networks, evidence: Evidence, subject: Callable
) -> None:
    scores = np.random.default_rng(0).normal(size=(2, 300))
    after = subject(networks.reference, "after")
    found = audit_people(after, evidence, detected=detect(*scores))
    assert "detected by shadows (U-LiRA)" in {line.question for line in found.lines}
    assert not found.beyond


def test_wrong_names_are_refused(networks: Networks, evidence: Evidence) -> None:
    with pytest.raises(ForgetError, match="modules of the network"):
        from_network(networks.original, "one", prepare, features="head")
    short = from_network(networks.original, "one", prepare, classes=["s01", "s02"])
    with pytest.raises(ForgetError, match="40 outputs"):
        audit_people(short, evidence)
