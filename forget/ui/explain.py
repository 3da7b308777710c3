"""What the numbers of unlearning mean, in plain words."""

import streamlit as st

__all__ = ["explain_numbers"]

_WORDS = """
**Retrained** is the reference: a model trained from the start without the images to forget.
Unlearning is good when it ends where the reference is, not below and not above it.

**MIA**, membership inference attack: somebody who only sees how wrong the model is on an image,
its loss, guesses whether the model was trained on that image. The number is the share of right
guesses, on images to forget and as many that the model never saw. Read it against the retrained
reference, not against 50%: the two kinds of images can differ by themselves, and then the attack
is right more often than a coin even on a model that saw neither. An attack that does worse than on
the reference is no success either: the model then differs from the retrained one all the same.

**NoMUS**, from 0 to 1, is half the accuracy on held-out images plus half of 1 − 2 · |MIA − 50%|.
It rewards more than forgetting: every gain in accuracy raises it, and so does an attack nearer to
50% than on the reference. A method can therefore score above the retrained model, which has
nothing to forget. Take a higher NoMUS for better forgetting only where the MIA is at its reference
too.
"""


def explain_numbers(key: str) -> None:
    """An expander with the explanation.

    Arguments:
        key: The key of the expander, one for each page.
    """
    with st.expander("What MIA and NoMUS mean, and how to read them", key=key):
        st.markdown(_WORDS)
