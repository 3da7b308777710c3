"""All methods by name, and the one call that runs any of them."""

from collections.abc import Sequence

from forget.data.dataset import FaceDataset
from forget.data.split import split_by_identity
from forget.errors import ForgetError
from forget.linear.model import LinearModel
from forget.methods.finetune import FineTune
from forget.methods.kl_uniform import KlUniform
from forget.methods.leace import Leace
from forget.methods.method import Method, NetworkMethod, Unlearned
from forget.methods.newton_cg import NewtonCg
from forget.methods.project import Project
from forget.methods.refit import refit_method
from forget.methods.retrain import Retrain
from forget.methods.subtract import subtract
from forget.methods.svd import Svd
from forget.methods.tangent_step import TangentStep
from forget.progress import OnStep, silent

__all__ = ["LINEAR_METHODS", "METHODS", "NETWORK_METHODS", "unlearn"]

LINEAR_METHODS: dict[str, Method] = {  # take a linear model
    "subtract": subtract,
    "refit": refit_method,
    "project": Project(),
    "leace": Leace(),
    "svd": Svd(),
}
NETWORK_METHODS: dict[str, NetworkMethod] = {  # take a network
    "retrain": Retrain(),
    "finetune": FineTune(),
    "kl_uniform": KlUniform(),
    "tangent_step": TangentStep(),
    "newton_cg": NewtonCg(),
}
METHODS: dict[str, Method | NetworkMethod] = LINEAR_METHODS | NETWORK_METHODS


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
