"""Names of AdaFace and CVLface: all blocks are numbered through, and layers have numbers only."""

import re

__all__ = ["ir_name"]

IR_BLOCK = re.compile(r"body\.(0|[1-9][0-9]{0,2})\.(res_layer|shortcut_layer)\.([0-5])\.(\w+)")
INSIDE = {
    "res_layer": ("bn1", "conv1", "bn2", "prelu", "conv2", "bn3"),
    "shortcut_layer": ("downsample.0", "downsample.1"),
}
OUTSIDE = {
    "input_layer.0": "conv1",
    "input_layer.1": "bn1",
    "input_layer.2": "prelu",
    "output_layer.0": "bn2",
    "output_layer.3": "fc",
    "output_layer.4": "features",
}


def ir_name(name: str, places: list[str]) -> str:
    """Our name of a tensor; what has none keeps its own, and fits no network later.

    Arguments:
        name: As AdaFace and CVLface call it, without a prefix.
        places: Our names of the blocks in order, such as "layer1.0".
    """
    layer, _, last = name.rpartition(".")
    if layer in OUTSIDE:
        return f"{OUTSIDE[layer]}.{last}"
    match = IR_BLOCK.fullmatch(name)
    if match is None:
        return name
    block, part, layer, last = match.groups()
    if int(block) >= len(places) or int(layer) >= len(INSIDE[part]):
        return name
    return f"{places[int(block)]}.{INSIDE[part][int(layer)]}.{last}"
