"""Imports run one way: a module imports from its own layer or from one below, inside functions and tests too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# From the lowest up. The first that fits a module's name is its layer.
LAYERS = (
    "memorychat.lib",
    "memorychat.llm",
    "memorychat.jobs",
    "accounts",
    "memories",
    "conversations",
    "webhooks",
    "memorychat",
)
PACKAGES = sorted({layer.partition(".")[0] for layer in LAYERS})


def height_of(module: str) -> int:
    """Somebody else's module is below all of ours."""
    return next((height for height, layer in enumerate(LAYERS) if f"{module}.".startswith(f"{layer}.")), -1)


def module_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(path: Path, module: str) -> Iterator[tuple[int, str]]:
    """Line and name of each import, wherever it stands; `from memorychat import jobs` gives `memorychat.jobs`."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                kept = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*kept, *filter(None, [node.module])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def upward_imports(root: Path) -> list[str]:
    found = []
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
        module = module_of(path, root)
        own = height_of(module)
        for line, name in imported_by(path, module):
            if height_of(name) > own:
                found.append(f"{path.relative_to(root)}:{line} imports {name}")
    return found


def test_no_module_imports_from_a_layer_above_its_own() -> None:
    assert upward_imports(ROOT) == []


@pytest.mark.parametrize(
    ("place", "statement"),
    [
        ("memorychat/lib/crypto.py", "import memories.models"),
        ("memorychat/lib/crypto.py", "from memorychat import jobs"),
        ("memorychat/lib/crypto.py", "from .. import llm"),
        ("memorychat/llm/openai.py", "from memorychat.settings import DEBUG"),
        ("memorychat/jobs.py", "from accounts.models import User"),
        ("accounts/models.py", "def later():\n    from memories.models import Memory"),
        ("memories/tests/test_models.py", "def test_it():\n    import conversations.models"),
        ("conversations/models.py", "from webhooks import models"),
        ("webhooks/api.py", "from memorychat import urls"),
    ],
)
def test_a_planted_import_from_above_is_caught(tmp_path: Path, place: str, statement: str) -> None:
    planted = tmp_path / place
    planted.parent.mkdir(parents=True)
    planted.write_text(statement + "\n")

    assert len(upward_imports(tmp_path)) == 1


@pytest.mark.parametrize(
    ("place", "statement"),
    [
        ("memorychat/lib/crypto.py", "from .environment import Environment"),
        ("memorychat/jobs.py", "from memorychat.lib import crypto\nfrom memorychat import llm"),
        ("memories/models.py", "from accounts.models import User"),
        ("memorychat/urls.py", "import webhooks.urls"),
        ("accounts/models.py", "import django"),
    ],
)
def test_imports_from_below_are_allowed(tmp_path: Path, place: str, statement: str) -> None:
    planted = tmp_path / place
    planted.parent.mkdir(parents=True)
    planted.write_text(statement + "\n")

    assert upward_imports(tmp_path) == []
