"""Which files a request may name."""

import pytest

from prompting import trust
from prompting.errors import PromptingError

OFFICIAL = ("yolo26x.pt",)


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch, tmp_path):
    monkeypatch.delenv(trust.CHECKPOINTS, raising=False)
    monkeypatch.delenv(trust.WRITTEN, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


def file_in(folder, name="mine.pt"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"weights")
    return folder / name


def test_official_names_are_trusted():
    assert trust.check_pickle("yolo26x.pt", OFFICIAL) is None


def test_no_path_is_trusted_until_its_folder_was_named(monkeypatch, tmp_path):
    mine = file_in(tmp_path / "models")
    with pytest.raises(PromptingError, match=trust.CHECKPOINTS):
        trust.check_pickle(str(mine), OFFICIAL)
    monkeypatch.setenv(trust.CHECKPOINTS, f"/somewhere:{tmp_path / 'models'}")
    assert trust.check_pickle(str(mine), OFFICIAL) == mine.resolve()
    with pytest.raises(PromptingError, match="There is no checkpoint"):
        trust.check_pickle(str(tmp_path / "models" / "gone.pt"), OFFICIAL)


@pytest.mark.parametrize("name", ["https://example.org/yolo26x.pt", "folder/yolo26x.pt", "grpc://host/model", ""])
def test_what_only_looks_official_is_not(name):
    with pytest.raises(PromptingError):
        trust.check_pickle(name, OFFICIAL)


def test_links_and_dots_lead_nowhere_out_of_a_named_folder(monkeypatch, tmp_path):
    monkeypatch.setenv(trust.CHECKPOINTS, str(tmp_path / "models"))
    outside = file_in(tmp_path / "elsewhere")
    link = tmp_path / "models" / "link.pt"
    link.parent.mkdir()
    link.symlink_to(outside)
    for path in (link, tmp_path / "models" / ".." / "elsewhere" / "mine.pt"):
        with pytest.raises(PromptingError, match="is a pickle"):
            trust.check_pickle(str(path), OFFICIAL)


def test_reports_may_go_home_but_to_no_hidden_place_there(tmp_path):
    home = tmp_path / "home"
    trust.check_written_folder(str(home / "reports"), "reports")
    trust.check_written_folder("~/reports", "reports")
    for folder in (home / ".ssh", home / "reports" / ".hidden"):
        with pytest.raises(PromptingError, match="is hidden"):
            trust.check_written_folder(str(folder), "reports")


@pytest.mark.parametrize("folder", ["/etc", "/", ""])
def test_reports_may_not_leave_home(folder, monkeypatch):
    monkeypatch.chdir("/")
    with pytest.raises(PromptingError, match=trust.WRITTEN):
        trust.check_written_folder(folder, "reports")


def test_reports_go_where_the_administrator_says_and_nowhere_else(monkeypatch, tmp_path):
    monkeypatch.setenv(trust.WRITTEN, str(tmp_path / "shared"))
    trust.check_written_folder(str(tmp_path / "shared" / "mine"), "reports")
    with pytest.raises(PromptingError, match="may be written below"):
        trust.check_written_folder(str(tmp_path / "home" / "mine"), "reports")


def test_a_report_follows_no_link_out_of_its_folder(tmp_path):
    (tmp_path / "home" / "link").symlink_to("/etc")
    with pytest.raises(PromptingError, match="may be written below"):
        trust.check_written_folder("~/link/report", "reports")
    with pytest.raises(PromptingError, match=r"goes up with '\.\.'"):
        trust.check_written_folder("~/reports/../other", "reports")
