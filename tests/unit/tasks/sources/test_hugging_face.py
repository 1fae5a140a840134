import os
import subprocess
import sys

import datasets
import numpy as np
import pytest
from PIL import Image

from archlock.errors import ConfigurationError, TaskError
from archlock.tasks import Cache, hugging_face, open_task

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 9, 9, 3)).astype(np.uint8)
LABELS = [row % 3 for row in range(30)]
NAMES = ["cat", "dog", "owl"]


def rows(images=IMAGES, labels=LABELS, *, label=None, **more):
    columns = {"picture": [Image.fromarray(image) for image in images], "animal": list(labels)}
    features = {"picture": datasets.Image(), "animal": label or datasets.ClassLabel(names=NAMES)}
    for name, (values, feature) in more.items():
        columns[name], features[name] = values, feature
    return datasets.Dataset.from_dict(columns, features=datasets.Features(features))


@pytest.fixture
def save(tmp_path):
    """Write a data set, or splits of one, and give its folder."""

    def write(data, **splits):
        folder = tmp_path / "animals"
        whole = datasets.DatasetDict({"train": data, **splits}) if splits else data
        whole.save_to_disk(str(folder), num_proc=None)
        return folder

    datasets.disable_progress_bars()
    return write


def label_of_images(task):
    splits = (task.train, task.validation, task.test)
    return {image.tobytes(): label for s in splits for image, label in zip(s.images, s.targets.tolist(), strict=True)}


def test_one_split_becomes_three_with_the_right_labels(save):
    task = hugging_face(save(rows()))
    assert (task.name, task.classes, task.shape) == ("animals", ("cat", "dog", "owl"), (3, 9, 9))
    assert [len(s) for s in (task.train, task.validation, task.test)] == [18, 6, 6]
    assert label_of_images(task) == {image.tobytes(): label for image, label in zip(IMAGES, LABELS, strict=True)}
    assert task.origin == "Hugging Face data set animals (30 images in 3 classes)"


def test_given_splits(save):
    folder = save(rows(), validation=rows(IMAGES[:5], LABELS[:5]), test=rows(IMAGES[:4], LABELS[:4]))
    task = hugging_face(folder)
    assert [len(s) for s in (task.train, task.validation, task.test)] == [30, 5, 4]
    task = hugging_face(folder, test_split="validation")
    assert len(task.test) == 5
    assert open_task(f"hf:{folder}").fingerprint == hugging_face(folder).fingerprint
    assert open_task(f"hf:{folder}", image_size=5).shape == (3, 5, 5)


def test_parquet_files_in_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "data").mkdir()
    rows().to_parquet(str(tmp_path / "data" / "train.parquet"))
    rows(IMAGES[:4], LABELS[:4]).to_parquet(str(tmp_path / "data" / "test.parquet"))
    task = hugging_face(tmp_path / "data")
    assert [len(s) for s in (task.train, task.validation, task.test)] == [24, 6, 4]
    assert task.classes == ("cat", "dog", "owl")


@pytest.mark.parametrize(
    ("label", "labels"),
    [
        (datasets.Value("string"), [NAMES[label] for label in LABELS]),
        (datasets.Value("int64"), [(2, 10, 30)[label] for label in LABELS]),
    ],
)
def test_plain_label_columns(save, label, labels):
    task = hugging_face(save(rows(labels=labels, label=label)), label_column="animal")
    assert task.classes == (("cat", "dog", "owl") if isinstance(labels[0], str) else ("2", "10", "30"))
    assert label_of_images(task) == {image.tobytes(): label for image, label in zip(IMAGES, LABELS, strict=True)}


def test_images_of_many_sizes_and_grey_ones(save):
    mixed = [*IMAGES[:20], *(image[:7, :8] for image in IMAGES[20:])]
    assert hugging_face(save(rows(mixed))).shape == (3, 9, 9)


def test_columns_that_are_not_clear(save):
    folder = save(rows(other=(LABELS, datasets.ClassLabel(num_classes=3))))
    with pytest.raises(
        ConfigurationError,
        match=r"has 2 columns of type ClassLabel.*picture \(Image\), animal \(ClassLabel\), other \(ClassLabel\)",
    ):
        hugging_face(folder)
    assert hugging_face(folder, label_column="animal").classes == ("cat", "dog", "owl")
    with pytest.raises(ConfigurationError, match=r"has no column 'breed'; it has picture \(Image\), animal"):
        hugging_face(folder, label_column="breed")
    with pytest.raises(TaskError, match=r"split 'train', column 'animal': expected images, got ClassLabel"):
        hugging_face(folder, label_column="animal", image_column="animal")


def test_no_column_of_labels(save):
    folder = save(rows(labels=[0.5] * 30, label=datasets.Value("float32")))
    with pytest.raises(ConfigurationError, match=r"has no column of type ClassLabel.*name one with label_column"):
        hugging_face(folder)
    with pytest.raises(TaskError, match=r"column 'animal': expected class labels .*, got for example 0\.5"):
        hugging_face(folder, label_column="animal")


def test_splits_that_are_not_there(save):
    folder = save(rows(), test=rows(IMAGES[:3], LABELS[:3]))
    with pytest.raises(ConfigurationError, match="has no split 'dev'; it has test, train"):
        hugging_face(folder, test_split="dev")
    with pytest.raises(ConfigurationError, match="has no split 'fit'; it has test, train"):
        hugging_face(folder, train_split="fit")


def test_images_without_a_label(save):
    folder = save(rows(), test=rows(IMAGES[:3], [0, None, 1]))
    with pytest.raises(
        TaskError, match=r"split 'test', column 'animal': row 1 has the label None, .* none of the 3 classes"
    ):
        hugging_face(folder)


def test_a_missing_image(save):
    data = rows()
    pictures = [None, *data.cast_column("picture", datasets.Image(decode=False))["picture"][1:]]
    data = data.remove_columns("picture").add_column("picture", pictures, feature=datasets.Image())
    with pytest.raises(TaskError, match="split 'train', row 0: has no image; leave the row out"):
        hugging_face(save(data))


def test_a_bad_image(save):
    stored = [{"bytes": b"no image", "path": None}] * 30
    data = rows().remove_columns("picture").add_column("picture", stored).cast_column("picture", datasets.Image())
    with pytest.raises(TaskError, match=r"30 of 30 images cannot be used: .*split 'train', row 0 is not an image in a"):
        hugging_face(save(data))


def test_folders_that_are_no_data_set(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        TaskError, match=r"the Hugging Face data set .*empty' cannot be loaded \(.*give a folder made by"
    ):
        hugging_face(tmp_path / "empty")


def test_a_name_is_looked_up_only_with_the_prefix(monkeypatch):
    def never(*arguments, **options):
        raise ConnectionError(f"asked for {arguments[0]}")

    monkeypatch.setattr(datasets, "load_dataset", never)
    with pytest.raises(
        ConfigurationError, match=r"'someone/animals' is not a folder; .* or hf:someone/animals to look"
    ):
        hugging_face("someone/animals")
    with pytest.raises(
        TaskError, match=r"'someone/animals' cannot be loaded \(ConnectionError: asked for someone/animals"
    ):
        hugging_face("hf:someone/animals")


def test_without_the_library_it_says_what_to_install():
    code = (
        "import sys\n"
        "sys.modules['datasets'] = None\n"
        "from archlock.errors import ConfigurationError\n"
        "from archlock.tasks import open_task\n"
        "try:\n"
        "    open_task('hf:anything')\n"
        "except ConfigurationError as error:\n"
        "    print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert 'install it with pip install "archlock[huggingface]"' in done.stdout


FRESH = RNG.integers(0, 256, (60, 9, 9, 3)).astype(np.uint8)


def fresh(begin, end, **more):
    """Rows of images that no other split has."""
    return rows(FRESH[begin:end], [row % 3 for row in range(end - begin)], **more)


def plain(**columns):
    """Rows with those columns (values, type) instead of declared classes."""
    data = rows().remove_columns("animal")
    for name, (values, kind) in columns.items():
        data = data.add_column(name, values, feature=datasets.Value(kind))
    return data


def sizes(task):
    return [len(split) for split in (task.train, task.validation, task.test)]


def test_a_split_without_labels_is_left_out_and_that_is_said(save):
    folder = save(rows(), validation=fresh(0, 9), test=rows(FRESH[9:15], [-1] * 6))
    task = hugging_face(folder)
    assert sizes(task) == [24, 9, 6]
    said = "the split 'test' has no labels (or only -1) and is left out; a test split is made of train"
    assert task.remarks == (said,)
    assert said in task.origin
    with pytest.raises(TaskError, match=r"split 'test', column 'animal': row 0 has the label -1"):
        hugging_face(folder, test_split="test")


def test_a_split_without_the_column_of_labels(save):
    folder = save(rows(), test=fresh(0, 6).remove_columns("animal"))
    assert sizes(hugging_face(folder)) == [18, 6, 6]
    with pytest.raises(TaskError, match="split 'test' has no column 'animal', so no labels"):
        hugging_face(folder, test_split="test")


def test_no_split_has_two_purposes(save):
    folder = save(rows(), validation=fresh(0, 9), test=rows(FRESH[9:15], [-1] * 6))
    task = hugging_face(folder, test_split="validation")
    assert sizes(task) == [24, 6, 9]
    assert not {i.tobytes() for i in task.validation.images} & {i.tobytes() for i in task.test.images}
    assert task.remarks == ("these splits are not used: test (6 rows)",)
    with pytest.raises(ConfigurationError, match="a split may have one purpose only; got validation, validation"):
        hugging_face(folder, test_split="validation", validation_split="validation")
    with pytest.raises(ConfigurationError, match="a split may have one purpose only; got train, train"):
        hugging_face(folder, train_split="train", test_split="train")


@pytest.mark.parametrize(
    ("names", "options", "expected"),
    [
        (("dev", "eval"), {}, [30, 9, 6]),
        (("val", "testing"), {}, [30, 9, 6]),
        (("extra", "test"), {}, [24, 6, 6]),
        (("validation", "test"), {"validation_split": "none"}, [24, 6, 6]),
        (("validation", "test"), {"test_split": "none", "validation_split": "test"}, [24, 6, 6]),
        (("validation", "test"), {"train_split": "validation"}, [6, 3, 6]),
    ],
)
def test_splits_by_their_usual_names_or_as_asked(save, names, options, expected):
    first, second = names
    task = hugging_face(save(rows(), **{first: fresh(0, 9), second: fresh(9, 15)}), **options)
    assert sizes(task) == expected
    unused = {"extra": "extra (9 rows)", "none": "validation (9 rows)"}.get(first if first == "extra" else "", "")
    assert not unused or task.remarks == (f"these splits are not used: {unused}",)


def test_several_splits_of_one_purpose_or_none_to_train_on(save):
    folder = save(rows(), dev=fresh(0, 6), val=fresh(6, 12))
    with pytest.raises(
        ConfigurationError, match=r"several splits for validation: dev, val; name one with validation_s.*\?v"
    ):
        hugging_face(folder)


def test_nothing_to_train_on(tmp_path):
    datasets.DatasetDict({"test": rows()}).save_to_disk(str(tmp_path / "x"), num_proc=None)
    with pytest.raises(
        ConfigurationError, match=r"has no split to train on; it has test: name one with .*\?train=NAME"
    ):
        hugging_face(tmp_path / "x")


@pytest.mark.parametrize("kind", ["int64", "uint8", "string"])
@pytest.mark.parametrize("name", ["label", "labels", "fine_label", "Target"])
def test_a_plain_column_that_is_called_as_labels_are(save, kind, name):
    values = [str(label) if kind == "string" else label for label in LABELS]
    task = hugging_face(save(plain(**{name: (values, kind)})))
    assert task.classes == ("0", "1", "2")


def test_plain_columns_that_are_not_clear(save):
    folder = save(plain(label=(LABELS, "int64"), target=(LABELS, "int64")))
    with pytest.raises(
        ConfigurationError,
        match=r"2 columns that may be labels.*label \(Value int64\), target \(Value int64\): .* 'hf:.*\?label=label'",
    ):
        hugging_face(folder)
    assert open_task(f"hf:{folder}?label=target&image=picture&name=mine").name == "mine"


def test_a_plain_column_knows_rows_without_a_label(save):
    with pytest.raises(TaskError, match=r"row 0 has the label '-1', which is none of the 2 classes \(-1 often marks"):
        hugging_face(save(plain(label=([label - 1 for label in LABELS], "int64"))))


def test_two_columns_of_labels_from_a_text(save):
    folder = save(rows(coarse=([row % 2 for row in range(30)], datasets.ClassLabel(names=["x", "y"]))))
    with pytest.raises(ConfigurationError, match=r"on the command line as in 'hf:.*animals\?label=animal'"):
        open_task(f"hf:{folder}")
    assert open_task(f"hf:{folder}?label=coarse").classes == ("x", "y")
    assert open_task(f"hf:{folder}?label=animal").classes == ("cat", "dog", "owl")


def test_splits_that_number_their_classes_differently(save):
    other = fresh(0, 6).cast_column("animal", datasets.ClassLabel(names=["owl", "dog", "cat"]))
    with pytest.raises(
        TaskError, match="its classes are owl, dog, cat, those of train cat, dog, owl; every split needs"
    ):
        hugging_face(save(rows(), test=other))


def test_the_same_images_to_decide_and_to_judge(save):
    with pytest.raises(TaskError, match=r"the validation split and the test split hold the same images \(9\)"):
        hugging_face(save(rows(), validation=fresh(0, 9), test=fresh(0, 9)))


def test_a_configuration_is_passed_on(monkeypatch):
    asked = []
    monkeypatch.setattr(datasets, "load_dataset", lambda *arguments: asked.append(arguments) or {"train": rows()})
    hugging_face("hf:someone/animals", config="wild")
    open_task("hf:someone/animals?config=tame")
    assert asked == [("someone/animals", "wild"), ("someone/animals", "tame")]


def test_a_large_set_is_fetched_row_by_row_into_the_cache(save, tmp_path, monkeypatch):
    folder = save(rows(), test=rows(IMAGES[:4], LABELS[:4]))
    cache, called = Cache(tmp_path / "cache", memory=0, workers=1), []
    task = hugging_face(folder, cache=cache, progress=lambda done, count: called.append((done, count)))
    assert called[-1] == (34, 34)
    assert task.train.stored
    expected = label_of_images(hugging_face(folder))
    assert label_of_images(task) == expected
    called.clear()
    again = hugging_face(folder, cache=cache, progress=lambda done, count: called.append((done, count)))
    assert again.fingerprint == task.fingerprint
    assert called == []
    other = tmp_path / "other"
    rows(255 - IMAGES).save_to_disk(str(other))
    hugging_face(other, cache=cache, progress=lambda done, count: called.append((done, count)))
    assert called[-1] == (30, 30)
