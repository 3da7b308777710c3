"""Where work runs: one process, or several that a launcher or Lightning Fabric started."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple, TypeVar

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import TorchElasticEnvironment
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor
from torch import distributed as dist

from forget.errors import ForgetError

__all__ = [
    "TIMEOUT",
    "Launched",
    "accelerate",
    "alone",
    "describe",
    "from_first",
    "launched",
    "together",
]

TIMEOUT = 1800.0  # seconds
RANKS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE")  # what torchrun tells a process
T = TypeVar("T")


class Launched(NamedTuple):
    """Processes that a launcher started: how many on each node, and on how many nodes."""

    devices: int
    nodes: int

    @property
    def world(self) -> int:
        """All of them."""
        return self.devices * self.nodes


def launched() -> Launched | None:
    """The processes that torchrun or `fabric run` started this one among; None without them.

    Raises:
        ForgetError: Numbers that no launcher gives, or nodes with different numbers of processes.
    """
    if not all(name in os.environ for name in RANKS):
        return None
    said = {name: os.environ[name] for name in RANKS}
    try:
        rank, local_rank, world, local = (int(said[name]) for name in RANKS)
        fits = 0 <= local_rank < local <= world and 0 <= rank < world and world % local == 0
    except ValueError:
        fits = False
    if not fits:
        raise ForgetError(
            "ranks below their numbers, and as many processes on each node",
            ", ".join(f"{name}={value}" for name, value in said.items()),
            "Start torchrun with the same --nproc-per-node on every node.",
        )
    return Launched(local, world // local)


def accelerate(
    device: str = "auto", devices: int = 1, nodes: int = 1, timeout: float = TIMEOUT
) -> Fabric:
    """Where to train: in bfloat16 where the processor computes with it, else in float32.

    Without the instructions bfloat16 is emulated, ten times slower than float32.

    Processes that torchrun or `fabric run` started are joined, however many there are. Otherwise
    the script is started once more for each further device of this node; on several nodes it is
    started by hand on each, with NODE_RANK, MASTER_ADDR and MASTER_PORT set. They speak through
    gloo on CPUs and NCCL on NVIDIA GPUs.

    Arguments:
        device: "auto" (a GPU if there is one), "cpu", "cuda" or "mps".
        devices: How many of them on each node.
        nodes: How many nodes.
        timeout: Seconds after which a process that waits for another gives up; one whose
            connection breaks is not waited for. Of no effect where `fabric run` was told a
            strategy.

    Raises:
        ForgetError: There is no such device, a launcher started another number of processes than
            was asked for, or they do not find each other in time.
    """
    there = launched()
    if there and (devices, nodes) not in ((1, 1), there):
        raise ForgetError(
            f"{devices} processes on each of {nodes} nodes",
            f"{there.devices} on each of {there.nodes}, by the launcher",
            "Leave the numbers to torchrun or fabric run, and out of the script.",
        )
    there = there or Launched(devices, nodes)
    try:
        fabric = _joined(device, there, timeout)
        if not _by_fabric_run():
            # With several devices and no launcher: the script starts once more for each.
            fabric.launch()
        return fabric
    except dist.DistError as error:
        raise ForgetError(
            f"{there.world} processes that find each other within {timeout:g} seconds",
            _first_line(error),
            "Look for the first error of any of them, and start all of them again.",
        ) from error
    except Exception as error:  # Fabric raises its own kinds and plain ValueErrors
        raise _no_device(devices, device, error) from error


def alone(device: str = "cpu") -> Fabric:
    """One device for this process only, whatever others were started beside it.

    For work that is the same on every process, or that only one of them does.

    Raises:
        ForgetError: There is no such device.
    """
    try:
        with _unlaunched():
            chosen = _chosen(device)
            fabric = Fabric(accelerator=chosen, devices=1, precision=_precision(chosen))
            fabric.launch()
            return fabric
    except Exception as error:  # as above
        raise _no_device(1, device, error) from error


def describe(fabric: Fabric) -> str:
    """What a training's last digits depend on beside versions and machine, in words."""
    where = f"{fabric.world_size} x {fabric.device.type}"
    precision = "bfloat16" if "bf16" in str(fabric.strategy.precision.precision) else "float32"
    return f"{where}, {precision}, {torch.get_num_threads()} threads"


def together(fabric: Fabric, work: Callable[[], T]) -> T:
    """What `work` returns on this process, once all processes have done theirs.

    Where it fails on one process all raise, so that none waits for what will never be sent. It
    must not wait for other processes itself.

    Raises:
        ForgetError: It failed on another process; what it raises on this one passes through.
    """
    if fabric.world_size == 1:
        return work()
    failed: Exception | None = None
    try:
        found = work()
    except Exception as error:
        failed = error
    failures = torch.zeros(fabric.world_size, dtype=torch.int32, device=fabric.device)
    failures[fabric.global_rank] = failed is not None
    dist.all_reduce(failures)
    if failed is not None:
        raise failed
    if failures.any():
        ranks = failures.nonzero().flatten().tolist()
        raise ForgetError(
            f"{fabric.world_size} processes that do their part",
            f"an error on process {', '.join(map(str, ranks))}",
            "Read what that process reports.",
        )
    return found


@torch.no_grad()
def from_first(fabric: Fabric, tensors: Iterable[Tensor]) -> None:
    """Overwrites tensors, which are the same in shape and order everywhere, with rank 0's."""
    if fabric.world_size == 1:
        return
    for tensor in tensors:
        sent = tensor.detach().to(fabric.device, copy=True).contiguous()
        dist.broadcast(sent, src=0)
        tensor.copy_(sent)


def _joined(device: str, there: Launched, timeout: float) -> Fabric:
    asked = os.environ.get("LT_ACCELERATOR") if _by_fabric_run() else None
    chosen = asked if asked and device == "auto" else _chosen(device)
    # What `fabric run` was told it tells Fabric itself, which refuses to hear it twice.
    precision = None if _by_fabric_run("LT_PRECISION") else _precision(chosen)
    if there.world == 1 or "LT_STRATEGY" in os.environ:
        strategy: str | DDPStrategy = "auto"
    else:
        strategy = DDPStrategy(timeout=timedelta(seconds=timeout))
    if _by_fabric_run():
        return Fabric(accelerator=chosen, strategy=strategy, precision=precision)
    if there.world == 1:
        return Fabric(accelerator=chosen, devices=1, precision=precision)
    return Fabric(
        accelerator=chosen,
        strategy=strategy,
        devices=there.devices,
        num_nodes=there.nodes,
        precision=precision,
        plugins=TorchElasticEnvironment() if launched() else None,
    )


def _by_fabric_run(setting: str = "LT_CLI_USED") -> bool:
    return os.environ.get("LT_CLI_USED", "0") != "0" and setting in os.environ


@contextmanager
def _unlaunched() -> Iterator[None]:
    """Hides from Fabric what `fabric run` tells it."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("LT_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _chosen(device: str) -> str:
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def _precision(device: str) -> str:
    return "bf16-mixed" if _has_bfloat16(device) else "32-true"


def _has_bfloat16(device: str) -> bool:
    if device in ("cuda", "gpu"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    has = (torch.cpu._is_avx512_bf16_supported, torch.cpu._is_amx_tile_supported)
    return device == "cpu" and any(test() for test in has)


def _no_device(devices: int, device: str, error: Exception) -> ForgetError:
    return ForgetError(
        "a device that is there (auto, cpu, cuda, mps)",
        f"{devices} x {device!r} ({_first_line(error)})",
        "Leave out --device to take what there is.",
    )


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
