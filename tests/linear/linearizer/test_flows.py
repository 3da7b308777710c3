"""Flows have the shapes they promise and regular Jacobians, and files restore them."""

import json
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from linear.linearizer.members import (
    BIJECTIVE,
    MEMBERS,
    check_told,
    draw,
    every_member,
    gap,
    member,
    state,
    trained,
)
from torch.autograd.functional import jacobian  # torch.func takes seconds to load

from forget.errors import CheckpointError
from forget.linear.linearizer.blocks import Invertible, Mixing
from forget.linear.linearizer.couplings import Surjection
from forget.linear.linearizer.flows import Chain, build_flow, image_surjection, vector_flow


def as_chain(block: Invertible, shape: tuple[int, ...]) -> Chain:
    return block if isinstance(block, Chain) else Chain(shape, [block])


@every_member
def test_whole_map_says_whether_it_is_bijective(name: str) -> None:
    make, shape = MEMBERS[name]
    chain = as_chain(make(), shape)
    assert chain.bijective == (name in BIJECTIVE)
    assert chain.bijective == (chain.input_dimension == chain.output_dimension)
    assert chain(draw(shape, torch.float32)).shape[1:] == chain.output_shape
    assert chain.input_shape == shape


@pytest.mark.parametrize(
    ("channels", "height", "width", "keep"),
    [(1, 56, 48, (3, 8, 16)), (3, 64, 64, (3, 8, 16)), (3, 64, 64, (8, 16, 12))],
)
@torch.no_grad()
def test_faces_become_512_numbers(
    channels: int, height: int, width: int, keep: tuple[int, ...]
) -> None:
    g = image_surjection(channels, height, width, keep, hidden=4)
    y = g(draw((channels, height, width), torch.float32)[:2])
    assert y.shape == (2, 512) and g.output_dimension == 512
    assert g.inverse(y).shape == (2, channels, height, width)


@every_member
def test_a_file_brings_the_map_back(name: str) -> None:
    make, shape = MEMBERS[name]
    block, x = member(name)
    chain = as_chain(block, shape).train()
    config = json.loads(json.dumps(chain.config))
    other = build_flow(config).double().train()
    other.load_state_dict(state(chain), strict=True)
    assert other.config == chain.config == config
    # In training mode: an ActNorm that forgot that it was set would now follow this batch.
    y = chain(x)
    assert torch.equal(other(5 * x), chain(5 * x))
    assert torch.equal(other.inverse(y), chain.inverse(y))


def test_the_blocks_of_a_flow_differ() -> None:
    first, second = (b for b in vector_flow(6, 2).blocks if isinstance(b, Mixing))
    assert not torch.allclose(first.weight, second.weight)


def test_config_is_a_copy() -> None:
    chain = vector_flow(4, 1)
    chain.config["shape"].append(9)
    chain.config["blocks"].clear()
    assert build_flow(chain.config).input_shape == (4,)


@settings(max_examples=10, deadline=None)
@given(
    dimension=st.integers(2, 9),
    couplings=st.integers(1, 8),
    kind=st.sampled_from(["affine", "additive"]),
    seed=st.integers(0, 10**6),
)
def test_jacobian_of_a_flow_is_regular(
    dimension: int, couplings: int, kind: str, seed: int
) -> None:
    flow = vector_flow(dimension, couplings, hidden=6, kind=kind, seed=seed)
    trained(flow, (dimension,), torch.float64)
    x = draw((dimension,), seed=seed)
    there = jacobian(lambda v: flow(v[None])[0], x[0])
    back = jacobian(lambda v: flow.inverse(v[None])[0], flow(x[:1])[0].detach())
    eye = torch.eye(dimension, dtype=x.dtype)
    torch.testing.assert_close(back @ there, eye, atol=1e-8, rtol=0)
    assert torch.linalg.slogdet(there).logabsdet.isfinite()
    assert gap(flow.inverse(flow(x)), x) < 1e-9


@settings(max_examples=10, deadline=None)
@given(
    channels=st.integers(1, 3),
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
    data=st.data(),
)
@torch.no_grad()
def test_image_surjection_gives_any_dimension(
    channels: int, rows: int, columns: int, data: st.DataObject
) -> None:
    kept = data.draw(st.integers(1, 4 * channels))
    dimension = data.draw(st.integers(1, kept * rows * columns))
    shape = (channels, 2 * rows, 2 * columns)
    g = image_surjection(*shape, (kept,), dimension, 1, 4)
    trained(g, shape, torch.float64)
    z = draw((dimension,))
    assert gap(g(g.inverse(z)), z) < 1e-9
    assert g.bijective == (dimension == 4 * channels * rows * columns)


@pytest.mark.parametrize(
    ("wrong", "expected", "got"),
    [
        (lambda: vector_flow(4, 9), "from 1 to 8 couplings", "9"),
        (lambda: vector_flow(4, 0), "from 1 to 8 couplings", "0"),
        (lambda: image_surjection(1, 16, 16, (3, 3, 3), 4, 3), "from 1 to 8 couplings", "9"),
        (lambda: vector_flow(4, kind="spline"), "'affine' or 'additive'", "'spline'"),
        (lambda: image_surjection(1, 4, 4, (2,), 4, kind=""), "'affine' or 'additive'", "''"),
        (lambda: vector_flow(1), "at least 2 channels", "1"),
        (lambda: image_surjection(1, 4, 4, (2,), 9), "between 1 and 7", "9"),
        (lambda: image_surjection(1, 6, 4, (3, 8), 9), "even height and width", "(3, 3, 2)"),
        (lambda: vector_flow(4).inverse(torch.zeros(2, 5)), "(4,)", "(5,)"),
        (lambda: Chain((4,), [Surjection(4, 2), Mixing(4)]), "(4,)", "(2,)"),
        (lambda: Chain((4,), []), "at least 1 blocks", "0"),
    ],
)
def test_errors_say_what_was_expected_what_came_and_what_to_do(
    wrong: Callable[[], object], expected: str, got: str
) -> None:
    check_told(wrong, expected, got)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"block": "spline"},
        {"block": "mixing", "channels": 4},
        {"block": "chain", "shape": [4], "blocks": [{"block": "mixing", "width": 4}]},
        {"block": "chain", "shape": [4], "blocks": ["mixing"]},
        {"block": "chain", "shape": [4], "blocks": [{"block": "affine", "channels": "4"}]},
        {"block": "chain", "shape": [4]},
        *(
            {"block": "chain", "shape": [4], "blocks": [{**block, "channels": 4, "seed": seed}]}
            for block in ({"block": "mixing"}, {"block": "additive"})
            for seed in ("a", 2**70, 1.5, None)
        ),
    ],
)
def test_settings_of_something_else_are_refused(config: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="the settings of a chain"):
        build_flow(config)


def test_parameters_are_loaded_strictly() -> None:
    flow = vector_flow(4, 2)
    loaded = build_flow(flow.config, state(vector_flow(4, 2, seed=1)))
    assert torch.equal(loaded.blocks[1].weight, vector_flow(4, 2, seed=1).blocks[1].weight)
    with pytest.raises(CheckpointError, match="chain of 6 blocks"):
        build_flow(flow.config, state(vector_flow(4, 3)))
    lacking = state(flow)
    del lacking["blocks.0.initialised"]
    with pytest.raises(CheckpointError, match="initialised"):
        build_flow(flow.config, lacking)
