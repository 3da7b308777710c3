"""Makes MUFAC forget-ready: a network that half of the people train, a linear part for the rest.

    python -m scripts.forget_ready                   about 15 minutes on 2 cores, once
    python -m scripts.forget_ready --kind tangent    linearizes the same network in another way
    python unlearn_mufac.py --identities F0046/D     then forgets

The network is kept in app_data/mufac-ready, where the app finds it. A training that was
interrupted goes on. --share and --side train others; give them a --folder of their own.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from forget.commands import GOES_ON, ended
from forget.data.core import draw_core
from forget.data.image_dataset import ImageDataset
from forget.data.mufac import FORGET_IMAGES, load_mufac
from forget.data.mufac_people import mufac_people
from forget.forget_ready import forget_ready
from forget.linearizations import LINEARIZATIONS
from forget.metrics.accuracy import judge
from forget.metrics.recognition import recognise
from forget.mufac_training import SIDES
from forget.prepared import HOME, SHARE, SIDE, Prepared, prepare
from forget.progress import OnStep
from forget.recipe import logits_of
from forget.terminal import ProgressBars


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains, linearizes and says how well it works."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", type=Path, metavar="PATH", help="where MUFAC lies, instead of app_data")
    add("--share", type=float, default=SHARE, help=f"of the people that train it ({SHARE})")
    add("--side", type=int, choices=SIDES, default=SIDE, help=f"of images, pixels ({SIDE})")
    add("--seed", type=int, default=0, help="of the training (0)")
    add("--kind", choices=LINEARIZATIONS, default="penultimate", help="of linearization")
    say = "images that the linear part of ages learns (added)"
    add("--learn", choices=("added", "everybody"), default="added", help=say)
    add("--folder", type=Path, default=HOME, help=f"where it is kept ({HOME})")
    options = parser.parse_args(arguments)
    return ended(lambda: _run(options), GOES_ON)


def _run(options: argparse.Namespace) -> int:
    with ProgressBars(mininterval=0.5, dynamic_ncols=True) as bars:
        ready = prepare(
            options.data, options.share, options.side, options.seed, options.folder, bars
        )
        data = load_mufac(options.data)
        lines = [*_people(ready, options.kind, bars), *_ages(ready, data, options, bars)]
    print("\n".join([*lines, f"Kept in {options.folder}"]))
    return 0


def _people(ready: Prepared, kind: str, on_step: OnStep) -> list[str]:
    """How well added people are told apart on held-out photographs."""
    faces = ready.faces
    model, rows = ready.fitted(kind, on_step)
    indices = ready.split.test_of(faces.added)
    labels = [faces.labels[i] for i in indices]
    seen = recognise(model.score(rows[indices]), model.classes, labels, model.threshold)
    trained = ready.network.about
    return [
        f"Network: {len(faces.core)} of {len(faces.identities)} people, "
        f"{trained['core images']:,} images of {trained['side']} pixels, "
        f"{trained['seconds'] / 60:.1f} minutes on {trained['machine']}.",
        f"People ({LINEARIZATIONS[kind].title.lower()}): {seen.identified:.1%} of "
        f"{len(indices):,} held-out photographs of added people identified "
        f"(chance {1 / len(faces.identities):.1%}), {seen.recognised:.1%} above the threshold.",
    ]


def _ages(
    ready: Prepared, data: ImageDataset, options: argparse.Namespace, on_step: OnStep
) -> list[str]:
    """How well ages are named on test and unseen images, by the network and the linear part."""
    joined = mufac_people(data, on_step=on_step).joined
    core = draw_core(data, options.share, joined, data.train[:FORGET_IMAGES])
    learned = core.added if options.learn == "added" else data.train
    linear = forget_ready(ready.network, data, core, options.kind, learned, on_step)
    held = np.concatenate([data.test, data.parts["unseen"]])
    network = ready.network.base
    alone = logits_of(network.network, data, held, on_step=on_step, side=network.side)
    both = [
        judge(one, data.labels[held]).accuracy
        for one in (alone, linear.logits(data.images[held], on_step))
    ]
    return [
        f"Ages on {len(held):,} test and unseen images: {both[0]:.1%} by the network alone, "
        f"{both[1]:.1%} by the linear part that learned from {len(learned):,} images."
    ]


if __name__ == "__main__":
    sys.exit(main())
