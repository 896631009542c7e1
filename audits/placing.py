"""Find what a `model:` section names, and look at it before anything heavy is imported: is it there, whole, allowed?"""

from __future__ import annotations

from pathlib import Path

from .errors import UserError
from .model_file import LocalFile, ModelFile, address
from .models.adapter import check_adapter
from .models.files import check_folder
from .models.leave import Leave
from .models.replies import read_replies
from .spec import place_of


def place_of_model(model: ModelFile, base: Path, leave: Leave, *, allow_path: bool) -> str:
    """Where a model lies: a folder, a hub id or a file; "" if a server answers for it."""
    if model.kind == "endpoint":
        return ""
    if model.kind == "cascade":
        for part in (model.small, model.large):
            place_of_model(part, base, leave, allow_path=allow_path)
        return str(base)
    if model.kind == "callable":
        if not leave.code:
            raise UserError(f"{model.title} is code that would be run; read it, then give --allow-code")
        return str(base)
    if model.kind == "replay":
        file = place_of(model.path, base, allow_path=allow_path, what="the file of replies")
        read_replies(file)
        return str(file)
    looks_like_hub_id = model.path.count("/") == 1 and not model.path.startswith((".", "/", "~"))
    if looks_like_hub_id and not (base / model.path).exists():
        return model.path
    folder = place_of(model.path, base, allow_path=allow_path, what="the model's folder")
    check_folder(folder, leave)
    return str(folder)


def with_places(model: ModelFile, base: Path, *, allow_path: bool) -> ModelFile:
    """The section with the paths of adapter and template resolved; UserError if they are not what they seem."""
    if model.kind == "cascade":
        parts = {
            name: with_places(part, base, allow_path=allow_path)
            for name, part in (("small", model.small), ("large", model.large))
        }
        return model.model_copy(update=parts)
    if not isinstance(model, LocalFile):
        return model
    found: dict[str, str] = {}
    if model.adapter:
        adapter = place_of(model.adapter, base, allow_path=allow_path, what="the adapter's folder")
        base_folder = base / model.path
        check_adapter(adapter, base_folder if base_folder.is_dir() else None)
        found["adapter"] = str(adapter)
    if model.template not in ("auto", "never"):
        template = place_of(model.template, base, allow_path=allow_path, what="the chat template")
        if not template.is_file():
            raise UserError(f"{template} is no file; model.template is auto, never, or the path of a Jinja file")
        found["template"] = str(template)
    return model.model_copy(update=found)


def moved(model: ModelFile, place: str) -> ModelFile:
    """The section of a model that lies elsewhere now: a path, or the addresses of a server with commas between."""
    if model.kind == "endpoint":
        try:
            return model.model_copy(update={"url": tuple(address(one) for one in place.split(","))})
        except ValueError as error:
            raise UserError(f"--model: {error}") from None
    if model.kind in ("transformers", "replay"):
        return model.model_copy(update={"path": place})
    raise UserError(f"--model says where a folder, a file of replies or a server is now; a {model.kind} has none such")


def where(model: ModelFile, base: Path) -> str:
    """Where the model of a run that was begun lies now, by the folder of its spec."""
    if model.kind == "endpoint":
        return ""
    if model.kind == "callable" or model.kind == "cascade":
        return str(base)
    return str(base / model.path) if (base / model.path).exists() else model.path
