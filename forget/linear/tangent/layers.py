"""The layers of a network whose gradients can be projected, and what passes through them."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType

import torch
from torch import Tensor, nn

from forget.errors import ForgetError

__all__ = ["Taps", "positions", "tangent_layers", "used_layers"]


def tangent_layers(network: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
    """Layers by name, checked to be ones whose gradients can be projected.

    Raises:
        ForgetError: No such layer, or neither a plain convolution nor a linear layer.
    """
    modules = dict(network.named_modules())
    able = [name for name, module in modules.items() if _projectable(module)]
    for name in names:
        if name not in able:
            got = type(modules[name]).__name__ if name in modules else "no such layer"
            raise ForgetError(
                "linear layers, or convolutions without groups and padded by zeros",
                f"{name!r}: {got}",
                f"Choose among {', '.join(able)}.",
            )
    if not names or len(set(names)) < len(names):
        raise ForgetError("layers, each once", f"{list(names)}", f"Such as {able[-1:]}.")
    return {name: modules[name] for name in names}


def used_layers(
    network: nn.Module, forward: Callable[[Tensor], Tensor], images: Tensor
) -> tuple[str, ...]:
    """Names of the layers whose gradients can be projected, in the order a pass uses them.

    A layer that a pass uses more than once is left out.

    Arguments:
        network: In evaluation mode.
        forward: The function of the network, (n, ...) to (n, m).
        images: What it reads, (n, ...); one will do.
    """
    calls: list[str] = []
    with ExitStack() as hooks, torch.no_grad():
        for name, module in network.named_modules():
            if _projectable(module):
                hook = module.register_forward_hook(lambda *_, name=name: calls.append(name))
                hooks.callback(hook.remove)
        forward(images)
    return tuple(name for name in calls if calls.count(name) == 1)


def positions(layer: nn.Module, x: Tensor) -> Tensor:
    """Inputs or outputs of a layer as (n, positions, c): channels of a linear layer come last."""
    if isinstance(layer, nn.Linear):
        return x[:, None] if x.ndim == 2 else x.flatten(1, -2)
    return x.flatten(2).transpose(1, 2)


class Taps:
    """Keeps the inputs of some layers and lets gradients flow back to their outputs, no further.

    What follows a layer works on a copy of its output, so that nothing changes it in place.

    Arguments:
        network: In evaluation mode.
        names: Of the layers, each used once in a pass.

    Raises:
        ForgetError: Layers that cannot be projected or that a pass uses twice or not at all, or
            a network in training mode.
    """

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        self.layers = tangent_layers(network, names)
        self.inputs: dict[str, Tensor] = {}
        self.outputs: dict[str, Tensor] = {}
        self._network = network
        self._hooks = ExitStack()

    def __enter__(self) -> "Taps":
        if self._network.training:
            raise ForgetError(
                "a network in evaluation mode", "one in training mode", "Call network.eval()."
            )
        for name, layer in self.layers.items():
            hook = layer.register_forward_hook(self._hook(name))
            self._hooks.callback(hook.remove)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hooks.close()

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor]:
        def keep(_: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> Tensor:
            if name in self.inputs:
                raise ForgetError(
                    "layers that are used once in a pass", f"{name!r}, twice", "Leave it out."
                )
            self.inputs[name] = given[0].detach()
            self.outputs[name] = output if output.requires_grad else output.requires_grad_()
            return self.outputs[name].clone()

        return keep

    def check(self) -> None:
        """Makes sure that the pass has used every layer."""
        if idle := [name for name in self.layers if name not in self.outputs]:
            raise ForgetError(
                "layers that the outputs depend on", f"{idle[0]!r}, unused", "Leave it out."
            )

    def gradients(self, value: Tensor, more: bool) -> list[Tensor]:
        """Gradient of a scalar at the output of each layer, (n, positions, o)."""
        outputs = [self.outputs[name] for name in self.layers]
        found = torch.autograd.grad(value, outputs, retain_graph=more, allow_unused=True)
        for name, gradient in zip(self.layers, found, strict=True):
            if gradient is None:
                got = f"{name!r}, whose result is not used"
                raise ForgetError("layers that the outputs depend on", got, "Leave it out.")
        return [positions(*one) for one in zip(self.layers.values(), found, strict=True)]


def _projectable(module: nn.Module) -> bool:
    if isinstance(module, nn.Conv2d):
        return module.groups == 1 and module.padding_mode == "zeros"
    return isinstance(module, nn.Linear)
