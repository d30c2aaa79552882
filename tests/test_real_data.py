import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "docs/real_data.py"
SMALLER = {
    "STEPS": 6, "LANGEVIN": 2, "CIRCLE_SHIFTS": 4, "CIRCLE_BANDWIDTHS": (0.03,), "DIGITS_SHIFTS": 2,
    "DIGITS_BANDWIDTHS": (0.1, 0.7), "IMAGES": (0.1,), "ON_CIRCLE": 6,
}  # fmt: skip


def script():
    spec = importlib.util.spec_from_file_location("real_data", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_of_the_page_draws_its_figure(tmp_path, monkeypatch, capsys):
    module = script()
    for name, value in {**SMALLER, "HERE": tmp_path}.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module, "_digits", lambda digits=module._digits: digits()[:60])
    (tmp_path / "images").mkdir()
    module.main()
    assert (tmp_path / "images/real_data.svg").stat().st_size > 10_000
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3 + 2 + 4
    assert lines[3].startswith("circle, LED-KDE, h = 0.03: memorized ")
