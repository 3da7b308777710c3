"""All methods by name, and the one call that runs any of them."""

import warnings
from collections import ChainMap
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points

from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.errors import ForgetError
from forget.linear.model import LinearModel
from forget.methods.bad_teacher import BadTeacher
from forget.methods.boundary import Boundary
from forget.methods.certified import Certified
from forget.methods.cf_k import CfK
from forget.methods.eu_k import EuK
from forget.methods.finetune import FineTune
from forget.methods.fisher import Fisher
from forget.methods.influence import Influence
from forget.methods.kl_uniform import KlUniform
from forget.methods.kodge import Kodge
from forget.methods.l1_sparse import L1Sparse
from forget.methods.leace import Leace
from forget.methods.lfssd import LfSsd
from forget.methods.negative_gradient import NegativeGradient
from forget.methods.negative_gradient_plus import NegativeGradientPlus
from forget.methods.newton_cg import NewtonCg
from forget.methods.original import Original
from forget.methods.project import Project
from forget.methods.random_labels import RandomLabels
from forget.methods.refit import refit_method
from forget.methods.retrain import Retrain
from forget.methods.salun import SalUn
from forget.methods.scrub import Scrub
from forget.methods.sfr_on import SfrOn
from forget.methods.ssd import Ssd
from forget.methods.subtract import subtract
from forget.methods.svd import Svd
from forget.methods.tangent_step import TangentStep
from forget.methods.unsir import Unsir
from forget.progress import OnStep, silent
from forget.unlearning.contract import Method, NetworkMethod, Unlearned

__all__ = ["LINEAR_METHODS", "METHODS", "NETWORK_METHODS", "register", "unlearn"]

LINEAR_METHODS: dict[str, Method] = {  # take a linear model
    "subtract": subtract,
    "refit": refit_method,
    "project": Project(),
    "leace": Leace(),
    "svd": Svd(),
}
NETWORK_METHODS: dict[str, NetworkMethod] = {  # take a network
    "original": Original(),
    "retrain": Retrain(),
    "finetune": FineTune(),
    "kl_uniform": KlUniform(),
    "negative_gradient": NegativeGradient(),
    "negative_gradient_plus": NegativeGradientPlus(),
    "random_labels": RandomLabels(),
    "cf_k": CfK(),
    "eu_k": EuK(),
    "l1_sparse": L1Sparse(),
    "bad_teacher": BadTeacher(),
    "scrub": Scrub(),
    "unsir": Unsir(),
    "ssd": Ssd(),
    "lfssd": LfSsd(),
    "salun": SalUn(),
    "fisher": Fisher(),
    "influence": Influence(),
    "boundary": Boundary(),
    "sfr_on": SfrOn(),
    "tangent_step": TangentStep(),
    "newton_cg": NewtonCg(),
    "certified": Certified(),
    "kodge": Kodge(),
}
METHODS: Mapping[str, Method | NetworkMethod] = ChainMap(LINEAR_METHODS, NETWORK_METHODS)  # type: ignore[arg-type]


def register(name: str, method: Method | NetworkMethod) -> None:
    """Adds a method of one's own, which is then run and compared like any other.

    A package that is installed adds some by entry points of the group "forget.methods", whose
    names are those of the methods.

    Arguments:
        name: In lower case, with underscores.
        method: A `NetworkMethod`, or a function that takes and returns a linear model.

    Raises:
        ForgetError: The name is taken or cannot be one, or it is no method.
    """
    if name in METHODS or not name.isidentifier() or not name.islower():
        remedy = "Choose another name, such as my_method."
        raise ForgetError("a name that no method has yet, in lower case", repr(name), remedy)
    if isinstance(method, type) or not callable(method):
        remedy = "Pass the method itself, such as MyMethod()."
        raise ForgetError("a method", repr(method), remedy)
    if isinstance(method, NetworkMethod):
        NETWORK_METHODS[name] = method
    else:
        LINEAR_METHODS[name] = method


def _register_installed() -> None:
    for point in entry_points(group="forget.methods"):
        try:
            made = point.load()
            register(point.name, made() if isinstance(made, type) else made)
        except Exception as error:  # noqa: BLE001 - of other people's packages: the others count
            said = f"The method {point.name!r} of {point.value} is left out: {error}"
            warnings.warn(said, stacklevel=2)


_register_installed()


def unlearn(
    model: LinearModel,
    faces: FaceDataset,
    people: Sequence[str],
    method: str = "subtract",
    seed: int = 0,
    on_step: OnStep = silent,
) -> Unlearned:
    """Takes people out of a model.

    Arguments:
        model: The model that knows them; it stays as it is.
        faces: The photographs; they decide the scope of the guarantee.
        people: Identity ids.
        method: A name in LINEAR_METHODS.
        seed: Same seed, same result.
        on_step: Told of progress; what it raises passes through.

    Raises:
        ForgetError: No such method.
        IdentityError: An empty selection, somebody unknown or already forgotten, or everybody.

    Example:
        >>> import forget
        >>> model, faces = forget.load_model("orl"), forget.load_faces("orl")
        >>> after = forget.unlearn(model, faces, ["s34"])
        >>> "s34" in after.model.people, after.guarantee.kind.value
        (False, 'exact')
    """
    if method not in LINEAR_METHODS:
        raise ForgetError(
            f"a method for linear models: {', '.join(LINEAR_METHODS)}",
            repr(method),
            "Choose one of these names.",
        )
    split = split_by_identity(faces).forgetting(people)
    return LINEAR_METHODS[method](model, split, seed, on_step)
