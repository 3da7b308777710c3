"""A network from anywhere as what is audited: features, names and layers, by hooks."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn

from forget.auditing.subject import Answers, Subject
from forget.data.dataset import Images
from forget.errors import ForgetError
from forget.metrics.cosines import directions
from forget.recipe import EVALUATION_BATCH

__all__ = ["from_network"]

Reals = NDArray[np.float64]


def from_network(
    network: nn.Module,
    name: str,
    prepare: Callable[[Images], Tensor],
    layers: Sequence[str] = (),
    *,
    classes: Sequence[str] = (),
    threshold: float = 0.5,
    features: str = "",
) -> Subject:
    """A network from anywhere, whose features are compared with the cosine.

    Arguments:
        network: Images to embeddings (n, d), or to logits (n, c).
        name: What to call it.
        prepare: Photographs, uint8, (n, h, w) or (n, h, w, 3), to its input.
        layers: Names of modules that are looked into; by default the direct children. Of one
            that is called several times for a photograph the last output counts.
        classes: Who each of its outputs stands for, if it names people.
        threshold: Probability below which it names nobody.
        features: Name of the module whose output is compared; by default that of the network.

    Raises:
        ForgetError: No such module; when asked, another number of outputs than of people, or
            outputs that are zero or no numbers.
    """
    inside = dict(network.named_modules())
    unknown = [one for one in (*layers, features) if one not in inside]
    if unknown:
        some = ", ".join(name for name in list(inside)[1:6])
        raise ForgetError(
            f"modules of the network, such as {some}", ", ".join(unknown), "Correct the names."
        )
    wanted = list(layers) or [child for child, _ in network.named_children()]

    def run(images: Images, names: Sequence[str] = ()) -> tuple[Reals, dict[str, Reals]]:
        """Outputs, and what modules by these names put out."""
        outputs: list[Reals] = []
        kept: dict[str, list[Reals]] = {}
        last: dict[str, Reals] = {}
        with _evaluating(network), _watching({one: inside[one] for one in names}, last):
            for start in range(0, len(images), EVALUATION_BATCH):
                batch = prepare(images[start : start + EVALUATION_BATCH])
                outputs.append(network(batch).flatten(1).double().cpu().numpy())
                for one, seen in last.items():
                    kept.setdefault(one, []).append(seen)
                last.clear()
        return np.concatenate(outputs), {one: np.concatenate(parts) for one, parts in kept.items()}

    def look(images: Images) -> dict[str, Reals]:
        return run(images, wanted)[1]

    matrices = {
        one: np.asarray(weight.detach().double().cpu().numpy().reshape(len(weight), -1))
        for one, weight in network.named_parameters()
        if weight.ndim > 1
    }
    tall = {n: m if len(m) >= m.shape[1] else m.T for n, m in matrices.items()}

    def embed(images: Images) -> Reals:
        if not features:
            return directions(run(images)[0])
        seen = run(images, [features])[1]
        if features not in seen:
            raise ForgetError(
                "a module whose output is one tensor", repr(features), "Choose another module."
            )
        return directions(seen[features])

    def answer(images: Images) -> Answers:
        logits = run(images)[0]
        if logits.shape[1] != len(classes):
            raise ForgetError(
                f"a network with an output for each of {len(classes)} people",
                f"{logits.shape[1]} outputs",
                "Name as many people, in the order of the outputs.",
            )
        if np.isnan(logits).any():
            raise ForgetError(
                "outputs that are numbers",
                f"{int(np.isnan(logits).any(1).sum())} of {len(logits)} photographs without",
                "Such a network names nobody and hides nobody: train it again.",
            )
        return Answers(softmax(logits, axis=1), tuple(classes), threshold)

    return Subject(name, embed, answer if classes else None, look, tall)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """The network as it is used, without gradients; afterwards each module is as it was."""
    were = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module, was in were:
            module.training = was


@contextmanager
def _watching(modules: dict[str, nn.Module], last: dict[str, Reals]) -> Iterator[None]:
    """Puts what modules put out last into a dictionary."""
    handles = [
        module.register_forward_hook(partial(_keep, last, name))
        for name, module in modules.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _keep(
    last: dict[str, Reals], name: str, layer: nn.Module, inputs: object, output: Tensor
) -> None:
    if isinstance(output, Tensor):
        seen = output.mean(tuple(range(2, output.ndim))) if output.ndim > 2 else output
        last[name] = seen.double().cpu().numpy()
