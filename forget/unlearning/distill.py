"""How far a student's answers are from a teacher's."""

from torch import Tensor
from torch.nn import functional

__all__ = ["divergence"]


def divergence(teacher: Tensor, student: Tensor, temperature: float = 1.0) -> Tensor:
    r"""Mean of KL(teacher || student) over a batch, nats, times the square of the temperature.

    .. math:: T^2 \, E \; KL(softmax(t / T) \,\|\, softmax(s / T))

    The factor keeps gradients of the same size at every temperature.

    References:
        | Distilling the Knowledge in a Neural Network (Hinton, Vinyals and Dean, 2015)

    Arguments:
        teacher: Logits (n, c).
        student: Logits (n, c).
        temperature: T.
    """
    wanted = (teacher.float() / temperature).log_softmax(1)
    found = (student.float() / temperature).log_softmax(1)
    kl = functional.kl_div(found, wanted, reduction="batchmean", log_target=True)
    return temperature**2 * kl
