"""The settings of a study: every key of config.yaml, its type, default and meaning."""

from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "ArcFaceSettings",
    "DataSettings",
    "DeviceSettings",
    "EvaluationData",
    "EvaluationSettings",
    "LinearizerKeys",
    "LoggingSettings",
    "ModelSettings",
    "Ms1mv2Settings",
    "ProjectionSettings",
    "Settings",
    "SvdSettings",
    "TrainingSettings",
    "UnlearningSettings",
]

Loss = Literal["arcface", "cosface", "magface", "adaface"]
Backbone = Literal[
    "embedder", "iresnet18", "iresnet34", "iresnet50", "iresnet100", "iresnet200", "mobilefacenet"
]
Pack = Literal["buffalo_l", "buffalo_m", "buffalo_s", "antelopev2"]


@dataclass(frozen=True)
class Ms1mv2Settings:
    """A training set as RecordIO.

    Arguments:
        path: Folder with train.rec, train.idx and property; empty for none.
        num_identities: How many people it must have; none checks nothing.
        num_images: How many photographs it must have; none checks nothing.
    """

    path: str = ""
    num_identities: int | None = None
    num_images: int | None = None


@dataclass(frozen=True)
class EvaluationData:
    """Where evaluation sets lie; empty for those that are not there.

    Arguments:
        lfw: A verification .bin or .npz, or a folder with pairs.txt.
        cfp_fp: A verification .bin or .npz.
        agedb_30: A verification .bin or .npz.
        calfw: A verification .bin or .npz.
        cplfw: A verification .bin or .npz.
        ijb_b: The release folder of IJB-B.
        ijb_c: The release folder of IJB-C.
    """

    lfw: str = ""
    cfp_fp: str = ""
    agedb_30: str = ""
    calfw: str = ""
    cplfw: str = ""
    ijb_b: str = ""
    ijb_c: str = ""


@dataclass(frozen=True)
class DataSettings:
    """Photographs.

    Arguments:
        root_dir: Whom the model learns: "orl", "mufac", or a folder of people. Relative paths of
            the other sets begin here if it is a folder.
        core_share: Of the people who choose and train the linear part, for data sets that do not
            say who trained their network.
        ms1mv2: A training set as RecordIO, which takes the place of root_dir for training.
        evaluation: Verification and template sets.
    """

    root_dir: str = "orl"
    core_share: float = 0.5
    ms1mv2: Ms1mv2Settings = field(default_factory=Ms1mv2Settings)
    evaluation: EvaluationData = field(default_factory=EvaluationData)


@dataclass(frozen=True)
class ArcFaceSettings:
    """The margin of ArcFace and CosFace.

    Arguments:
        margin: Radians for ArcFace, a cosine for CosFace.
        scale: Of the logits.
    """

    margin: float = 0.5
    scale: float = 64.0


@dataclass(frozen=True)
class ModelSettings:
    """The frozen network.

    Arguments:
        use_insightface: Whether to read an installed pack of the model zoo.
        insightface_model: Which.
        backbone: Architecture; "embedder" is the small one that comes with the project.
        embedding_size: What the weights must give; none takes what they give.
        pretrained_path: Weights; empty for those that come with "embedder".
        loss_type: The loss that the weights were trained with.
        arcface: Its margin.
    """

    use_insightface: bool = False
    insightface_model: Pack = "buffalo_l"
    backbone: Backbone = "embedder"
    embedding_size: int | None = None
    pretrained_path: str = ""
    loss_type: Loss = "arcface"
    arcface: ArcFaceSettings = field(default_factory=ArcFaceSettings)


@dataclass(frozen=True)
class LinearizerKeys:
    """The linear part.

    Arguments:
        kind: Where the line is drawn: a name in `forget.linearizations.LINEARIZATIONS`.
        latent_dim: Latent numbers, of the Linearizer of images.
        num_blocks: Couplings of each invertible map.
        num_layers: Accepted for old files; the maps have a depth of their own.
        hidden_dim: Accepted for old files; the maps have a width of their own.
        learning_rate: Of AdamW.
        batch_size: Images per step.
        num_epochs: Passes over the training photographs.
        checkpoint_dir: Where trained maps are kept.
    """

    kind: Literal["penultimate", "tangent", "linearizer", "linearizer-image"] = "linearizer"
    latent_dim: int = 512
    num_blocks: int = 4
    num_layers: int | None = None
    hidden_dim: int | None = None
    learning_rate: float = 2e-3
    batch_size: int = 96
    num_epochs: int = 50
    checkpoint_dir: str = "logs/recognition/linearizers"


@dataclass(frozen=True)
class ProjectionSettings:
    """Erasing directions.

    Arguments:
        threshold: Accepted for old files; directions are counted, not cut off.
        rank: Directions a person.
    """

    threshold: float | None = None
    rank: int = 3


@dataclass(frozen=True)
class SvdSettings:
    """Editing singular values.

    Arguments:
        rank: Singular directions that may change.
        alpha: Accepted for old files.
    """

    rank: int = 50
    alpha: float | None = None


@dataclass(frozen=True)
class UnlearningSettings:
    """Who goes, and how.

    Arguments:
        method: A name in `forget.METHODS` for linear models; "orthogonal_projection" is
            "project", "svd_update" is "svd", "linear_combination" is "subtract".
        target_identities: Whom to forget, by id; numbers are places in the list of people.
        retain_ratio: Accepted for old files; everybody who stays is evaluated.
        orthogonal_projection: For "project".
        svd_update: For "svd".
    """

    method: str = "subtract"
    target_identities: list[int | str] = field(default_factory=list)
    retain_ratio: float | None = None
    orthogonal_projection: ProjectionSettings = field(default_factory=ProjectionSettings)
    svd_update: SvdSettings = field(default_factory=SvdSettings)


@dataclass(frozen=True)
class EvaluationSettings:
    """How models are judged.

    Arguments:
        batch_size: Images per forward pass.
        num_folds: Of verification accuracy.
        fmr_thresholds: False match rates at which FNMR is told.
        results_dir: Where reports go.
    """

    batch_size: int = 128
    num_folds: int = 10
    fmr_thresholds: list[float] = field(
        default_factory=lambda: [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6]
    )
    results_dir: str = "logs/recognition/results"


@dataclass(frozen=True)
class TrainingSettings:
    """Retraining a network, for comparison.

    Arguments:
        batch_size: Images per step.
        num_workers: Accepted for old files; images are read by memory map.
        learning_rate: Highest, of SGD.
        momentum: Of SGD.
        weight_decay: Of SGD.
        num_epochs: Passes over the photographs.
        checkpoint_freq: Accepted for old files; every epoch is kept.
        log_freq: Accepted for old files.
    """

    batch_size: int = 128
    num_workers: int | None = None
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    num_epochs: int = 20
    checkpoint_freq: int | None = None
    log_freq: int | None = None


@dataclass(frozen=True)
class DeviceSettings:
    """Where to compute.

    Arguments:
        cuda: Whether to use GPUs; none takes them if they are there.
        gpu_ids: How many of them, counted from 0; CUDA_VISIBLE_DEVICES says which those are.
    """

    cuda: bool | None = None
    gpu_ids: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class LoggingSettings:
    """Where logs go.

    Arguments:
        log_dir: Folder.
        use_tensorboard: Not offered; logs are CSV and JSON.
        use_wandb: Not offered.
        wandb_project: Accepted for old files.
    """

    log_dir: str = "logs/recognition"
    use_tensorboard: bool = False
    use_wandb: bool = False
    wandb_project: str = ""


@dataclass(frozen=True)
class Settings:
    """A whole study.

    Arguments:
        data: Photographs.
        model: The frozen network.
        linearizer: The linear part.
        unlearning: Who goes, and how.
        evaluation: How models are judged.
        training: Retraining, for comparison.
        device: Where to compute.
        logging: Where logs go.
        seed: Of everything random.
    """

    data: DataSettings = field(default_factory=DataSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    linearizer: LinearizerKeys = field(default_factory=LinearizerKeys)
    unlearning: UnlearningSettings = field(default_factory=UnlearningSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    device: DeviceSettings = field(default_factory=DeviceSettings)
    logging: LoggingSettings = field(default_factory=LoggingSettings)
    seed: int = 0
