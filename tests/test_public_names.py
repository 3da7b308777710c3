"""The names that other programs rely on."""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Mapping

import forget


def test_no_module_hides_a_public_function() -> None:
    for module in pkgutil.walk_packages(forget.__path__, "forget."):
        if module.name != "forget.__main__":
            importlib.import_module(module.name)
    for name in forget.__all__:
        found = getattr(forget, name)
        assert callable(found) or isinstance(found, Mapping), name


def test_import_is_light() -> None:
    heavy = "{'torch', 'numpy', 'streamlit', 'sklearn'}"
    code = f"import sys, forget; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_names_are_told() -> None:
    try:
        forget.no_such_name  # noqa: B018 - the access is the test
    except AttributeError as error:
        assert "no_such_name" in str(error)
    else:
        raise AssertionError("an unknown name was found")
