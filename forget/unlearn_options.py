"""The options of the unlearning scripts, and what a script sets for its data set."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forget.data.image_dataset import ImageDataset

__all__ = ["METHODS", "Defaults", "make_parser"]

USUAL = ("subtract", "kl_uniform", "finetune")  # compared unless told otherwise
METHODS = (  # a test compares them with the registry, which takes seconds to import
    *USUAL,
    *("negative_gradient", "negative_gradient_plus", "random_labels", "cf_k", "eu_k"),
    *("l1_sparse", "bad_teacher", "scrub", "unsir", "ssd", "lfssd", "salun", "fisher"),
    *("influence", "boundary", "sfr_on", "tangent_step", "newton_cg", "certified", "kodge"),
)


@dataclass(frozen=True)
class Defaults:
    """What a script sets for its data set.

    Arguments:
        dataset: Name for `load_images`.
        summary: What --help begins with.
        forget: What is forgotten unless told otherwise: ("classes", "5,7") or ("first", "1500").
        config: Settings of the network, from the data.
        epochs: Of the training.
        recipe: Other settings of the training, for `forget.recipe.Recipe`.
        unlearn_epochs: Of the methods.
        rates: Learning rates of forget step and retain step.
        offline: The data set that --offline takes instead.
        foreign: Settings of the network that differ for weights from elsewhere.
        prepared: Whether there is a forget-ready network that whole people leave.
    """

    dataset: str
    summary: str
    forget: tuple[str, str]
    config: Callable[[ImageDataset], dict[str, Any]]
    epochs: int
    recipe: Mapping[str, Any] = field(default_factory=dict)
    unlearn_epochs: int = 2
    rates: tuple[float, float] = (1e-3, 1e-3)
    offline: str = ""
    foreign: Mapping[str, Any] = field(default_factory=dict)
    prepared: bool = False


def make_parser(d: Defaults) -> argparse.ArgumentParser:
    """The parser of a script."""
    parser = argparse.ArgumentParser(description=d.summary, formatter_class=_Help)
    what = parser.add_argument_group("what to forget", f"unless told otherwise {_told(d)}")
    one = what.add_mutually_exclusive_group().add_argument
    one("--forget-classes", metavar="A,B", help="classes by name or index")
    one("--forget-first", metavar="N", type=int, help="the first N training images")
    one("--forget-people", metavar="A,B", help="people by id, where they are known")
    if d.prepared:
        say = "people by id, out of the whole forget-ready model, in milliseconds; see --kind"
        one("--identities", metavar="A,B", help=say)
    say = "repair the split first: nobody on both sides, no copies of training images held out"
    what.add_argument("--clean", action="store_true", help=say)

    if d.prepared:
        say = "needs the network that python -m scripts.forget_ready trains"
        add = parser.add_argument_group("--identities", say).add_argument
        say = "where the model is linear: penultimate, tangent, linearizer or linearizer-image"
        add("--kind", default="penultimate", help=say)
        add(
            "--save", type=Path, metavar="FILE", help="keep the model without them, with its proof"
        )

    add = parser.add_argument_group("training").add_argument
    add("--train", action="store_true", help="train from scratch, as without --weights")
    add("--weights", type=Path, metavar="FILE", help="start from these weights instead")
    add("--train-epochs", type=int, default=d.epochs, help="passes over the training images")
    rate = d.recipe.get("rate", 0.05)
    add("--learning-rate", type=float, default=rate, help="highest, of the training")
    say = "images per step, also when unlearning"
    add("--batch-size", type=int, default=d.recipe.get("batch", 64), help=say)
    say = "each trains, trains again without, and unlearns"
    add("--seeds", default="0", metavar="A,B", help=say)

    add = parser.add_argument_group("unlearning").add_argument
    say = f"of {', '.join(METHODS)}; training again without always runs, as the reference"
    add("--methods", default=",".join(USUAL), metavar="A,B", help=say)
    add("--unlearn-epochs", type=int, default=d.unlearn_epochs, help="of finetune and kl_uniform")
    add("--unlearning-rate", type=float, default=d.rates[0], help="of the forget step")
    add("--retain-rate", type=float, default=d.rates[1], help="of the retain step and finetune")
    add("--no-forget-step", action="store_true", help="kl_uniform: leave out the forget step")
    add("--no-retain-step", action="store_true", help="kl_uniform: leave out the retain step")

    add = parser.add_argument_group("data, device, files").add_argument
    add("--data", type=Path, metavar="PATH", help="where the data lie, instead of app_data")
    if d.offline:
        add("--offline", action="store_true", help=f"take {d.offline}, which need no download")
    add("--device", default="auto", help="auto, cpu, cuda or mps")
    add("--devices", type=int, default=1, help="how many of them")
    add("--log-dir", type=Path, metavar="FOLDER", help="where runs are kept, instead of logs")
    say = "go on with a run that was killed, with its own settings; other options do not count"
    add("--resume", type=Path, metavar="RUN", help=say)
    return parser


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Adds defaults where there are some."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False):
            return action.help
        return super()._get_help_string(action)


def _told(d: Defaults) -> str:
    kind, value = d.forget
    return f"the first {int(value):,} images" if kind == "first" else f"the classes {value}"
