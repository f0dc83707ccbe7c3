import pytest

from cwproxy.cli.tables import print_rows


def test_no_cell_is_cut_in_a_narrow_window(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    print_rows(["name", "count"], [["x" * 200, "7"], ["[bold]y", "1,000"]], right=["count"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["name", "count"]
    assert lines[1].split() == ["x" * 200, "7"]
    assert lines[2].split() == ["[bold]y", "1,000"]
    assert lines[1].endswith("    7")
