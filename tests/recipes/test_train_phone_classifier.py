"""A phone_classifier trained on a dozen clips hears their phones better than chance, and the
codec's recipe learns with it.
"""

import pytest
import torch

pytest.importorskip("accelerate")
pytest.importorskip("pyworld")

from affecttts.training.codec.config import CodecTrainingConfig, LossWeights
from affecttts.training.codec.trainer import Trainer
from codec.errors import CheckpointError
from codec.files import read_json
from codec.training.phone_classifier import PhoneClassifier, PhoneClassifierConfig
from tiny_models import DATA, load_recipe

pytestmark = pytest.mark.slow

MANIFEST = str(DATA / "manifest.jsonl")
TINY = CodecTrainingConfig(
    preset="tiny",
    steps=1,
    batch_size=2,
    crop_seconds=0.32,
    codebooks_start_step=0,
    codebooks_start_batches=2,
    mixed_precision="no",
    loss_weights=LossWeights(phone_features=3.0),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder, recipe = (
        tmp_path_factory.mktemp("phone_classifier"),
        load_recipe("train_phone_classifier"),
    )
    with pytest.MonkeyPatch.context() as patch:
        arguments = [
            "--manifest",
            MANIFEST,
            "--output",
            str(folder),
            "--steps",
            "60",
            "--dim",
            "32",
        ]
        patch.setattr("sys.argv", ["train_phone_classifier", *arguments])
        recipe.main()
    return folder


def test_it_hears_more_than_the_commonest_phone(run):
    recipe, phone_classifier = (
        load_recipe("train_phone_classifier"),
        PhoneClassifier.from_pretrained(run / "phone_classifier"),
    )
    cache = recipe.AudioCache(
        [MANIFEST],
        run / "cache",
        phone_classifier.config.sample_rate,
        phone_classifier.config.hop_length,
    )
    crops = recipe.Crops(
        cache, "train", phone_classifier.config.hop_length, phone_classifier.config.sample_rate
    )
    phones = torch.cat([crops.batch(step)[1] for step in range(3)])
    assert (
        recipe.accuracy(phone_classifier, crops, 3)
        > phones.flatten().bincount().max() / phones.numel() + 0.05
    )
    assert read_json(run / "phone_classifier" / "lineage.json")["manifests"]


def test_the_codec_learns_from_what_it_hears(run, tmp_path):
    trainer = Trainer(
        TINY,
        run / "cache",
        [MANIFEST],
        tmp_path,
        None,
        phone_classifier=str(run / "phone_classifier"),
    )
    trainer.before_step()
    logs = trainer.train_step()
    assert logs["loss/phone_features"] > 0 and logs["loss/phones"] > 0
    assert trainer.objective.fixed_weights["phone_features"] == 3.0
    assert "phone_classifier" in trainer.lineage.teachers


def test_a_phone_classifier_of_another_rate_is_refused(run, tmp_path):
    PhoneClassifier(
        PhoneClassifierConfig(sample_rate=16000, dim=8, n_mels=8, dilations=(1,))
    ).save_pretrained(tmp_path / "deaf")
    with pytest.raises(CheckpointError, match="16000 Hz"):
        Trainer(
            TINY, run / "cache", [MANIFEST], tmp_path, None, phone_classifier=str(tmp_path / "deaf")
        )
