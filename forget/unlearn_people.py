"""Forgetting people of MUFAC from the shell: the same model and proof as in the app."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from time import perf_counter

from forget.data.dataset import FaceDataset, known_identities
from forget.effect import Effect, measure_effect
from forget.errors import ForgetError
from forget.linear.archive import save_model
from forget.linearizations import LINEARIZATIONS
from forget.methods.registry import unlearn
from forget.prepared import HOME, load_prepared
from forget.progress import OnStep, silent

__all__ = ["forget_people", "identities_of"]


def identities_of(faces: FaceDataset, wanted: Sequence[str]) -> list[str]:
    """The identities that some ids belong to; any id of a person who has several will do.

    Raises:
        IdentityError: Somebody is not in the data set; the nearest ids are named.
    """
    others = {alias: one for one, known in faces.aliases.items() for alias in known}
    found = [others.get(one.strip(), one.strip()) for one in wanted]
    return list(known_identities(found, faces.identities))


def forget_people(
    wanted: Sequence[str],
    source: Path | None = None,
    kind: str = "penultimate",
    folder: Path = HOME,
    save: Path | None = None,
    on_step: OnStep = silent,
) -> str:
    """Forgets people on a prepared network, and says what changed.

    Arguments:
        wanted: Ids of people, such as "F0046/D".
        source: Where MUFAC lies; by default in app_data.
        kind: A name in `LINEARIZATIONS`.
        folder: Where the prepared network is kept.
        save: Writes the model without them here, with its feature store; None writes nothing.
        on_step: Told of progress.

    Raises:
        CheckpointError: No network is prepared; the remedy is the command.
        IdentityError: Somebody is not in the data set, or everybody is asked for.
        ForgetError: No such kind, or no place for the file.
    """
    if kind not in LINEARIZATIONS:
        known = ", ".join(LINEARIZATIONS)
        raise ForgetError(f"a linearization of {known}", repr(kind), "Choose one of them.")
    if save is not None and (save.is_dir() or any(one.is_file() for one in save.parents)):
        raise ForgetError("a file that can be written", str(save), "Choose another.")
    prepared = load_prepared(source, folder, on_step)
    faces = prepared.faces
    people = identities_of(faces, wanted)
    model, rows = prepared.fitted(kind, on_step)
    start = perf_counter()
    after = unlearn(model, faces, people)
    _ = after.model.head
    seconds = perf_counter() - start
    if save is not None:
        save_model(after.model, save)
    split = prepared.split.forgetting(people)
    effect = measure_effect(model, after.model, split, rows)
    return _said(faces, kind, effect, seconds, save)


def _said(faces: FaceDataset, kind: str, effect: Effect, seconds: float, save: Path | None) -> str:
    titles = ", ".join(faces.title(person) for person in effect.people)
    proof, promised = effect.proof, effect.guarantee
    before, after = effect.others_recognised
    lines = [
        f"Linearized at: {LINEARIZATIONS[kind].title.lower()}. {len(faces.identities)} people, "
        f"{len(faces.core)} of them core.",
        f"Forgotten: {titles}, in {seconds * 1000:.1f} ms "
        f"(refit from features {effect.seconds['refit from features'] * 1000:.1f} ms).",
        f"Guarantee: {promised.kind}, {promised.scope}. {promised.reason}",
        *([f"But: {promised.caveat}"] if promised.caveat else []),
        f"Proof {'holds' if proof.holds else 'FAILS'}: {proof.digest} after subtraction,",
        f"             {proof.afresh} summed afresh from the features of everybody else;",
        f"             largest difference of the heads {proof.head_gap:g}.",
        "Their held-out photographs, with the best score:",
    ]
    for seen in effect.them:
        was, now = (one or "nobody" for one in (seen.said_before, seen.said_after))
        lines.append(
            f"  {seen.person}: before {was} ({seen.before[0][1]:.2f}), now {now} "
            f"({seen.after[0][1]:.2f})"
        )
    lines.append(
        f"Everybody else: {before:.1%} of held-out photographs recognised before, {after:.1%} now."
    )
    if save is not None:
        lines.append(f"Saved: {save}. Check it with: python -m forget verify {quote(str(save))}")
    return "\n".join(lines)
