from pathlib import Path

from memorychat.lib.staticfiles import HashedStaticFiles

PAGE = 'import { open } from "./socket.js";\nopen();\n'


def collect(folder: Path, files: dict[str, str]) -> HashedStaticFiles:
    storage = HashedStaticFiles(location=folder, base_url="/static/")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert not [
        processed
        for _, _, processed in storage.post_process({name: (storage, name) for name in files})
        if isinstance(processed, Exception)
    ]
    return storage


def test_a_module_imports_another_by_the_name_that_tells_its_content(tmp_path: Path) -> None:
    storage = collect(tmp_path, {"js/page.js": PAGE, "js/socket.js": "export const open = 1;"})

    served = (tmp_path / storage.stored_name("js/page.js")).read_text()

    socket = Path(storage.stored_name("js/socket.js")).name
    assert socket != "socket.js"
    assert f'from "./{socket}"' in served


def test_a_changed_module_gives_whatever_imports_it_another_name(tmp_path: Path) -> None:
    before = collect(tmp_path / "before", {"js/page.js": PAGE, "js/socket.js": "export const open = 1;"})
    after = collect(tmp_path / "after", {"js/page.js": PAGE, "js/socket.js": "export const open = 2;"})

    assert before.stored_name("js/page.js") != after.stored_name("js/page.js")


def test_modules_of_packages_are_served_as_they_come(tmp_path: Path) -> None:
    """They may import what only a bundler finds."""
    unresolvable = 'import htmx from "./htmx";\n'

    storage = collect(tmp_path, {"package/js/extension.js": unresolvable})

    assert (tmp_path / storage.stored_name("package/js/extension.js")).read_text() == unresolvable
