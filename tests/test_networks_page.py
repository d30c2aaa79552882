import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "docs/networks.py"
SMALLER = {
    "SAMPLES": 20, "KEPT": 30, "STEPS": (2.0, 5.0), "FEATURES": 8, "BATCH": 8, "TIMES": (0.5, 2.0), "LOOKS": 10,
    "GENERATED": 10, "DOWN": 4, "SHOWN": (0, 1),
}  # fmt: skip


def test_the_script_of_the_page_draws_its_figure(tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("networks", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, value in {**SMALLER, "HERE": tmp_path}.items():
        monkeypatch.setattr(module, name, value)
    (tmp_path / "images").mkdir()
    module.main()
    assert (tmp_path / "images/networks.svg").stat().st_size > 10_000
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * 9 + 3
    assert lines[0].startswith("t = 0.5, loss on its samples: ")
    assert lines[-1].startswith("memorized, control: ")
