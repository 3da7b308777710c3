"""The data of the MUFAC benchmark, its networks, and how a model is judged on all images."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forget.data.core import Core, draw_core
from forget.data.dataset import natural_key
from forget.data.image_dataset import ImageDataset
from forget.data.mufac import benchmark
from forget.data.partition import Partition
from forget.data.twins.report import Hygiene
from forget.forget_ready import CoreNetwork, core_digest, record_of_core
from forget.linear.classifier_features import ClassifierFeatures
from forget.metrics.accuracy import judge
from forget.metrics.membership import loss_attack, nomus
from forget.models.classifier import build
from forget.mufac_training import NETWORK, mufac_recipe
from forget.networks import KEPT, kept_at, trained_once
from forget.progress import OnStep
from forget.recipe import hidden_of, logits_of
from forget.runs.run import Run

__all__ = ["FEWEST", "Bench", "Row"]

FEWEST = 10  # images to forget, from which on the attack says something

Row = tuple[str, str, str, float]  # forget set, model, metric, value


@dataclass(frozen=True, eq=False)
class Bench:
    """MUFAC, and what is measured on all of it.

    Arguments:
        data: The images.
        report: What hygiene found in them.
        side: Size of the images that networks end their training on, pixels.
        on_step: Shows progress.
        run: A finished run of unlearn_mufac.py, whose networks stand for "everybody" and
            "reference"; None to train them.
    """

    data: ImageDataset
    report: Hygiene = field(repr=False)
    side: int
    on_step: OnStep
    run: Run | None = None

    @property
    def joined(self) -> Mapping[str, str]:
        """The id under which people who share a picture are one."""
        return self.report.people

    @cached_property
    def split(self) -> Partition:
        """The benchmark's own sets."""
        return benchmark(self.data)

    def core(self, share: float) -> Core:
        """The core of a share; nobody of the benchmark's forget set while others are left."""
        return draw_core(self.data, share, self.joined, self.split.forget)

    def network(self, name: str, seed: int) -> CoreNetwork:
        """A network by name: "core 50%", "everybody" or "reference".

        It is trained unless it is kept already, and goes on after a kill.
        """
        core = self.core_of(name)
        digest = core_digest(self.data, core)
        path = kept_at(KEPT, "mufac" if self.side == 64 else f"mufac-{self.side}", digest, seed)
        if self.run is not None and not name.startswith("core"):
            return self._of_run(self.run, name, seed, core)

        def on_step(done: int, total: int, note: str = "") -> None:
            self.on_step(done, total, f"{name} (seed {seed}, {self.side} px), {note}")

        recipe = mufac_recipe(self.side)
        return trained_once(path, self.data, core, NETWORK, recipe, seed, None, on_step)

    def core_of(self, name: str) -> Core:
        """Whose images train a network; all of them where it is not forget-ready."""
        if name.startswith("core"):
            return self.core(float(name.removeprefix("core ").rstrip("%")) / 100)
        images = self.data.train if name == "everybody" else self.split.retain
        people = sorted({self.data.people[i] for i in images}, key=natural_key)
        rest = np.setdiff1d(self.data.train, images)
        return Core(tuple(people), images, rest, len(images) / len(self.data.train))

    def _of_run(self, run: Run, name: str, seed: int, core: Core) -> CoreNetwork:
        stage = {"everybody": "original", "reference": "retrain"}[name]
        network = build(run.params["network"], run.load_state(f"{stage}-{seed}"))
        base = ClassifierFeatures(network, record_of_core(self.data, core), self.side)
        table = run.table()
        mine = table[(table["method"] == stage) & (table["metric"] == "seconds")]
        seconds = float(mine["value"].iloc[-1])
        about = {"seconds": seconds, "core images": len(core.images)}
        return CoreNetwork(base, np.zeros(network.dimension, np.float32), about)

    def logits(self, base: ClassifierFeatures) -> NDArray[np.float32]:
        """Logits (n, c) of all images by a network itself."""
        everything = np.arange(len(self.data.images))
        return logits_of(base.network, self.data, everything, "cpu", self.on_step, base.side)

    def hidden(self, base: ClassifierFeatures) -> NDArray[np.float32]:
        """The last hidden layer (n, d) of all images."""
        everything = np.arange(len(self.data.images))
        return hidden_of(base.network, self.data, everything, "cpu", self.on_step, base.side)

    def figures(
        self, logits: NDArray[np.floating], split: Partition
    ) -> Iterator[tuple[str, float]]:
        """Accuracy on each set, the attack and the score of logits (n, c) of all images."""
        judged = judge(logits, self.data.labels)
        for name, indices in split.sets.items():
            yield name, float(judged.right[indices].mean())
        held = np.concatenate([split.test, split.unseen])
        yield "test and unseen", float(judged.right[held].mean())
        if len(split.forget) >= FEWEST:
            attack = loss_attack(judged.losses[split.forget], judged.losses[split.unseen])
            yield "mia", attack.accuracy
            yield "nomus", nomus(float(judged.right[split.test].mean()), attack.accuracy)
