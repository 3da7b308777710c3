"""The settings of a study: every key from files and command line, and what is refused."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml

from forget.errors import ForgetError
from forget.recognition.command_line import keys, read_settings, write_settings
from forget.recognition.settings import Settings, UnlearningSettings

ROOT = Path(__file__).parents[2]
# The keys of an older project, whose files go on working.
OLD = """
data:
  root_dir: ./data
  ms1mv2: {path: ./data/ms1mv2, num_identities: 85742, num_images: 5822653}
  evaluation: {lfw: a, cfp_fp: b, agedb_30: c, calfw: d, cplfw: e, ijb_b: f, ijb_c: g}
model:
  use_insightface: true
  insightface_model: buffalo_l
  backbone: iresnet100
  embedding_size: 512
  pretrained_path: null
  loss_type: arcface
  arcface: {margin: 0.5, scale: 64}
linearizer: {latent_dim: 512, num_blocks: 4, num_layers: 3, hidden_dim: 1024, learning_rate: 1e-4,
             batch_size: 64, num_epochs: 100, checkpoint_dir: ./checkpoints}
unlearning:
  method: orthogonal_projection
  target_identities: []
  retain_ratio: 0.95
  orthogonal_projection: {threshold: 0.01}
  svd_update: {rank: 50, alpha: 0.1}
evaluation: {batch_size: 128, num_folds: 10, fmr_thresholds: [1e-1, 1e-6], results_dir: ./results}
training: {batch_size: 128, num_workers: 4, learning_rate: 0.1, momentum: 0.9, weight_decay: 5e-4,
           num_epochs: 20, checkpoint_freq: 5, log_freq: 100}
device: {cuda: true, gpu_ids: [0]}
logging: {log_dir: ./logs, use_tensorboard: true, use_wandb: false, wandb_project: faces}
"""


def test_nothing_said_means_the_defaults() -> None:
    assert read_settings([]) == Settings()


def test_the_file_that_comes_along_is_read() -> None:
    made = read_settings(["--config", str(ROOT / "config.yaml")])
    assert made.unlearning.target_identities == ["s34"]
    assert made == replace(
        Settings(),
        linearizer=replace(Settings().linearizer, kind="penultimate"),
        unlearning=UnlearningSettings(target_identities=["s34"]),
    )


def test_older_files_are_read_key_by_key(tmp_path: Path) -> None:
    path = tmp_path / "old.yaml"
    path.write_text(OLD)
    made, said = asdict(read_settings(["--config", str(path)])), yaml.safe_load(OLD)
    for group, values in said.items():
        for name, value in values.items():
            found = made[group][name]
            if isinstance(value, dict):
                assert value.items() <= found.items()
            elif isinstance(found, float):
                assert found == float(value)  # YAML takes 1e-4 for text
            elif name != "fmr_thresholds":
                assert found == value
    assert made["evaluation"]["fmr_thresholds"] == [0.1, 1e-6]


@pytest.mark.parametrize("key", keys())
def test_every_key_is_on_the_command_line_and_goes_before_the_file(
    key: str, tmp_path: Path
) -> None:
    value: object = Settings()
    for part in key.split("."):
        value = getattr(value, part)
    other = {
        bool: "true",
        int: "7",
        float: "0.25",
        list: "[1]",
        type(None): "3" if key != "device.cuda" else "true",
    }.get(type(value), {"model.backbone": "iresnet50", "model.loss_type": "magface"}.get(key))
    other = other or {
        "model.insightface_model": "buffalo_s",
        "linearizer.kind": "tangent",
    }.get(key, "elsewhere")
    made: object = read_settings(["--config", str(ROOT / "config.yaml"), f"--{key}", other])
    for part in key.split("."):
        made = getattr(made, part)
    assert made == yaml.safe_load(other)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["--training.batch_size", "many"], "training.batch_size: int; got many"),
        (["--model.backbone", "vgg"], "model.backbone: one of 'embedder', .*; got vgg"),
        (["--unlearning.metod", "a"], "unlearning.metod. Did you mean unlearning.method"),
        (["--nothing.like.it", "a"], "got nothing.like.it. All keys"),
        (["--config", "/nowhere.yaml"], "does not exist"),
    ],
)
def test_what_does_not_fit_is_named(said: list[str], told: str) -> None:
    with pytest.raises(ForgetError, match=told):
        read_settings(said)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("unlearning:\n  metod: a\n", "unlearning.metod. Did you mean unlearning.method"),
        ("training:\n  num_epochs: [1]\n", "num_epochs"),
        ("a: [\n", "settings that can be read"),
        ("data: orl\n", "data"),
    ],
)
def test_files_that_do_not_fit_are_refused(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ForgetError, match=told):
        read_settings(["--config", str(path)])


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    made = read_settings(["--unlearning.target_identities", "[s34,s25]", "--seed", "3"])
    write_settings(made, tmp_path / "settings.yaml")
    assert read_settings(["--config", str(tmp_path / "settings.yaml")]) == made
