"""Dialects: a network saved by anybody's names is the same network, and nothing else passes."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from models.face_networks import (
    DIMENSION,
    MAGFACE,
    Arrays,
    Improved,
    arrays,
    iresnet,
    mobile,
    prefixed,
    randomised,
)
from torch import nn

from forget.errors import CheckpointError
from forget.models.dialects import CONVENTIONS, Dialect, Translated, translate
from forget.models.face_backbone import build_network
from forget.models.iresnet import STAGES, IResNet

CENTRES = np.random.default_rng(0).normal(size=(11, DIMENSION)).astype(np.float32)  # (c, d)
SCALARS = {f"head.{name}": np.ones(1, np.float32) for name in ("t", "batch_mean", "batch_std")}


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Module]:
    return {
        "arcface": iresnet(),
        "magface": iresnet(**MAGFACE),
        "adaface": randomised(Improved(18, DIMENSION)),
        "mobile": mobile(),
    }


# Name -> network, how its project saves it, whose it is, and whether centres come with it.
FILES: dict[str, tuple[str, Callable[[Arrays], Arrays], Dialect, bool]] = {
    "arcface_torch": ("arcface", dict, Dialect.ARCFACE, False),
    "adaface": (
        "adaface",
        lambda s: prefixed("model.", s) | {"head.kernel": CENTRES.T} | SCALARS,
        Dialect.ADAFACE,
        True,
    ),
    "adaface, no head": ("adaface", lambda s: prefixed("model.", s), Dialect.ADAFACE, False),
    "cvlface": ("adaface", lambda s: prefixed("net.", s), Dialect.CVLFACE, False),
    "bare": ("adaface", dict, Dialect.CVLFACE, False),
    "magface DDP": (
        "magface",
        lambda s: prefixed("features.module.", s) | {"parallel_fc.weight": CENTRES},
        Dialect.MAGFACE,
        True,
    ),
    "magface DP": (
        "magface",
        lambda s: prefixed("module.features.", s) | {"module.fc.weight": CENTRES.T},
        Dialect.MAGFACE,
        True,
    ),
    "magface": (
        "magface",
        lambda s: prefixed("features.", s) | {"fc.weight": CENTRES.T},
        Dialect.MAGFACE,
        True,
    ),
    "mobilefacenet": ("mobile", dict, Dialect.MOBILEFACENET, False),
}


def built(found: Translated) -> nn.Module:
    return build_network(found.kind, found.settings, found.tensors)


MODELS = ("arcface_torch", "adaface", "magface DDP", "mobilefacenet")  # one of each kind


@pytest.mark.parametrize(
    ("name", "counters"), [*((name, True) for name in FILES), *((name, False) for name in MODELS)]
)
def test_a_network_in_any_dialect_is_the_same(
    name: str, counters: bool, networks: dict[str, nn.Module]
) -> None:
    key, saved, dialect, has_centres = FILES[name]
    state = saved(arrays(networks[key]))
    if not counters:
        state = {name: one for name, one in state.items() if "num_batches" not in name}
    found = translate(state)
    assert found.dialect is dialect and found.convention == CONVENTIONS.get(dialect)
    assert (found.centres is not None) == has_centres
    if has_centres:
        assert np.array_equal(found.centres, CENTRES)
    network = built(found)
    x = torch.rand(1, 3, *network.size, generator=torch.manual_seed(5))
    with torch.inference_mode():
        assert torch.equal(network(x), networks[key](x))
    assert not network.training and not any(p.requires_grad for p in network.parameters())


def shapes(network: nn.Module) -> Arrays:
    """Arrays of the right shapes that take no memory."""
    state = network.state_dict()
    return {name: np.broadcast_to(np.float32(0), one.shape) for name, one in state.items()}


@pytest.mark.parametrize(("depth", "dimension"), [*((one, 512) for one in STAGES), (34, 256)])
def test_depth_and_dimension_are_read_from_names_and_shapes(depth: int, dimension: int) -> None:
    with torch.device("meta"):
        arcface, improved = IResNet(depth, dimension), Improved(depth, dimension)
    for network, strided in ((arcface, False), (improved, True)):
        found = translate(shapes(network))
        assert found.settings["depth"] == depth and found.settings["dimension"] == dimension
        assert found.settings.get("strided", False) is strided
        with torch.device("meta"):
            wanted = IResNet(**found.settings).state_dict()
        assert {n: tuple(t.shape) for n, t in wanted.items()} == {
            name: one.shape for name, one in found.tensors.items()
        }


def test_what_names_do_not_tell_may_be_said(networks: dict[str, nn.Module]) -> None:
    magface = translate(arrays(networks["magface"]), Dialect.MAGFACE)
    assert magface.settings["eps"] == 2e-5
    assert magface.convention == CONVENTIONS[Dialect.MAGFACE]
    adaface = translate(arrays(networks["adaface"]), Dialect.ADAFACE)
    assert adaface.convention == CONVENTIONS[Dialect.ADAFACE]
    assert translate(arrays(networks["adaface"])).convention is None


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("said", [d for d in Dialect])
def test_another_dialect_is_refused(
    name: str, said: Dialect, networks: dict[str, nn.Module]
) -> None:
    key, saved, dialect, _ = FILES[name]
    alike = {Dialect.ARCFACE: Dialect.MAGFACE, Dialect.CVLFACE: Dialect.ADAFACE}
    state = saved(arrays(networks[key]))
    if said in (dialect, alike.get(dialect)):
        assert translate(state, said).dialect is said
        return
    with pytest.raises(CheckpointError, match=f"as {said} saves them; got those of {dialect}"):
        translate(state, said)


def damaged(change: Callable[[Arrays], object]) -> Callable[[Arrays], Arrays]:
    def edit(state: Arrays) -> Arrays:
        state = dict(state)
        change(state)
        return state

    return edit


WRONG = {
    "a layer": (lambda s: s.pop(middle(s)), "no: "),
    "one too many": (lambda s: s.update({next(iter(s)) + ".extra": CENTRES}), "unexpected: "),
    "another shape": (lambda s: s.update({middle(s): CENTRES}), "another shape: "),
    "not finite": (lambda s: s.update({middle(s): s[middle(s)] * np.nan}), "not finite: "),
    "numbers": (lambda s: s.update({middle(s): s[middle(s)] > 0}), "kind of number: "),
}


def middle(state: Arrays) -> str:
    """A normalisation that tells neither dialect nor depth."""
    names = [name for name in state if name.endswith("running_mean")]
    return names[len(names) // 2]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_fit_is_named(what: str, name: str, networks: dict[str, nn.Module]) -> None:
    key, saved, _, _ = FILES[name]
    change, message = WRONG[what]
    state = damaged(change)(saved(arrays(networks[key])))
    with pytest.raises(CheckpointError, match=f"the weights of .*{message}"):
        built(translate(state))


def drop(state: Arrays, start: str) -> None:
    for name in [name for name in state if name.startswith(start)]:
        del state[name]


OTHERS = {
    "a stage": ("arcface", lambda s: drop(s, "layer4."), "2-2-2-0 blocks"),
    "a block": ("arcface", lambda s: drop(s, "layer3.1."), "2-2-1-2 blocks"),
    "a numbered block": ("adaface", lambda s: drop(s, "body.7."), "7 blocks"),
    "the linear map": ("arcface", lambda s: s.pop("fc.weight"), "matrix fc.weight"),
    "a flat one": ("arcface", lambda s: s.update({"fc.weight": np.ones(3)}), r"shape \(3,\)"),
    "an empty one": (
        "mobile",
        lambda s: s.update({"linear1.conv.weight": np.ones((0, 512, 1, 1))}),
        r"shape \(0, 512",
    ),
    "the stem": ("arcface", lambda s: s.pop("conv1.weight"), "arcface_torch, AdaFace"),
    "everything": ("mobile", dict.clear, "0 tensors: none"),
    "both names": ("adaface", lambda s: s.update({"conv1.weight": CENTRES}), "two of conv1"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_networks_are_refused(name: str, networks: dict[str, nn.Module]) -> None:
    key, change, message = OTHERS[name]
    with pytest.raises(CheckpointError, match=message):
        translate(damaged(change)(arrays(networks[key])))


@pytest.mark.parametrize(
    "extra",
    ["body.8.res_layer.1.weight", "body.00.res_layer.1.weight", "body.0.shortcut_layer.2.weight"],
)
def test_strange_numbers_have_no_translation(extra: str, networks: dict[str, nn.Module]) -> None:
    state = arrays(networks["adaface"]) | {extra: np.ones(1, np.float32)}
    with pytest.raises(CheckpointError, match="9 blocks|unexpected: body"):
        built(translate(state))


def test_strange_heads_are_refused(networks: dict[str, nn.Module]) -> None:
    state = prefixed("features.", arrays(networks["magface"]))
    for head in ({"fc.weight": np.ones(3)}, {"fc.weight": CENTRES, "parallel_fc.weight": CENTRES}):
        with pytest.raises(CheckpointError, match="one matrix of class centres"):
            translate(state | head)


def test_a_residual_network_of_torchvision_is_no_face_network() -> None:
    from torchvision.models import resnet18

    with torch.device("meta"):
        state = shapes(resnet18())
    with pytest.raises(CheckpointError, match=r"122 tensors: bn1"):
        translate(state)


PARTS = ["model", "net", "features", "module", "layer1", "0", "body", "conv1", "prelu", "weight"]
NAMES = st.lists(st.sampled_from(PARTS), min_size=1, max_size=5).map(".".join) | st.text()
SIGNS = st.sampled_from(
    [
        {},
        {"conv1.weight": CENTRES, "layer1.0.prelu.weight": CENTRES},
        {"input_layer.0.weight": CENTRES, "body.0.res_layer.1.weight": CENTRES},
        {"dw_conv1.conv.weight": CENTRES, "linear7.conv.weight": CENTRES},
        {"linear1.conv.weight": np.ones((2, 2, 2, 2)), "fc.weight": CENTRES},
    ]
)


@given(st.lists(SIGNS, max_size=3), st.sets(NAMES, max_size=6), st.sampled_from([0, 1, 2, 5]))
def test_whatever_the_names_nothing_else_is_raised(
    signs: list[Arrays], names: set[str], sides: int
) -> None:
    state = {name: np.ones((1,) * sides, np.float32) for name in names}
    for more in signs:
        state |= more
    with pytest.raises(CheckpointError):
        built(translate(state))
