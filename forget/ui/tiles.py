"""What the galleries of people and of classes share in the browser: tiles.css and tiles.js."""

from pathlib import Path

__all__ = ["with_tiles"]


def with_tiles(name: str) -> str:
    """The style sheet or script of a gallery, behind what all galleries share.

    Arguments:
        name: A file of this folder, such as "gallery.css".
    """
    own = Path(__file__).with_name(name)
    shared = Path(__file__).with_name(f"tiles{own.suffix}")
    return "\n".join(file.read_text(encoding="utf-8") for file in (shared, own))
