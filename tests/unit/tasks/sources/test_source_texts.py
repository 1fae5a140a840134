import pytest

from archlock.errors import ConfigurationError
from archlock.tasks import names_apart
from archlock.tasks.sources.source_texts import SourceText
from folders import write_folder


def test_a_text_with_options_is_taken_apart():
    given = SourceText.parsed("hf:someone/cifar100?label=fine_label&test=validation&name=fine")
    assert (given.place, given.source, given.name) == ("hf:someone/cifar100", "hugging_face", "fine")
    assert given.options == {"label": "fine_label", "test": "validation", "name": "fine"}
    assert SourceText.parsed("x.npz?layout=NCHW").options == {"layout": "NCHW"}
    assert SourceText.parsed("what?").place == "what?"


def test_a_path_that_is_there_is_a_path(tmp_path):
    folder = write_folder(tmp_path / "who?name=x", {"a": 1})
    assert SourceText.parsed(str(folder)).options == {}
    assert SourceText.parsed(f"{folder}?name=y").name == "y"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "hf:x?lable=a",
            r"hf:x has no option 'lable'; expected image \(column of the images\), label \(column of the lab",
        ),
        ("digits?label=a", "digits has no option 'label'; expected name .of the task in reports"),
        ("a.npz?colour=a", "a.npz has no option 'colour'; expected layout"),
        ("hf:x?label=", "hf:x: label='' is not possible"),
        ("hf:x?name=a/b", "hf:x: name='a/b' is not possible"),
        ("hf:x?name=a\nb", r"name='a\\\\nb' is not possible"),
        (
            "hf:x?label=a&label=b",
            r"the options 'label=a&label=b' of 'hf:x' are not understood; write them as in 'hf:x\?OPT",
        ),
        ("hf:x?label=a&b", "the options 'label=a&b' of 'hf:x' are not understood"),
    ],
)
def test_options_that_are_not_understood(text, words):
    with pytest.raises(ConfigurationError, match=words):
        SourceText.parsed(text)


def test_folders_have_one_option(tmp_path):
    with pytest.raises(ConfigurationError, match="splits='yes' is not known; expected splits=none, or nothing"):
        SourceText.parsed(f"{tmp_path}?splits=yes")


def test_different_data_of_one_name_get_different_names(tmp_path):
    for name in ("a/photos", "b/photos", "c/a/photos"):
        write_folder(tmp_path / name, {"x": 1})
    a, b, c = (str(tmp_path / name) for name in ("a/photos", "b/photos", "c/a/photos"))
    assert names_apart([a, b]) == {a: "a-photos", b: "b-photos"}
    assert names_apart([a, c]) == {a: f"{tmp_path.name}-a-photos", c: "c-a-photos"}
    assert names_apart([b], beside=[a]) == {b: "b-photos"}
    assert names_apart([a, a, f"{a}/"]) == names_apart([]) == {}
    assert names_apart([f"{a}?name=mine", b]) == {}
    assert names_apart([f"{a}?name=photos", b]) == {b: "b-photos"}
    assert names_apart(["x/d.npz", "y/d.npz", "digits"]) == {"x/d.npz": "x-d", "y/d.npz": "y-d"}
    assert names_apart(["hf:a/x", "hf:b/x"]) == {"hf:a/x": "a-x", "hf:b/x": "b-x"}
