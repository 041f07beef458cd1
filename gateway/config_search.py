"""The model that has a say in searches, where the configuration names one."""

import os
from pathlib import Path

from agent.ports import Embedder
from gateway.config_errors import Report
from gateway.config_imports import NotUsableError
from gateway.config_models import SearchTable
from gateway.embedder import ModelEmbedder
from gateway.hooks import Hooks
from gateway.minilm_files import find_folder

EXTRA = "parley-gateway[embeddings]"


def build_embedder(table: SearchTable, hooks: Hooks, base: Path, report: Report) -> Embedder | None:
    """The embedder that `[search]` names; none without. What cannot be used goes into the report."""
    if table.embeddings is None:
        return None
    if hooks.embed_texts is not None:
        report.add("search.embeddings", "expected no model beside the hook embed_texts; found both")
        return None
    try:
        return load_embedder(table.embeddings, base)
    except NotUsableError as error:
        report.add("search.embeddings", str(error))
        return None


def load_embedder(name: str, base: Path) -> Embedder:
    """The model in a folder, from `base` on, or in an installed Python package. Raises `NotUsableError`."""
    folder = find_folder(name, base)
    # numpy's library reads it when it is loaded. Its threads wait by spinning, which triples the work on a busy
    # machine, and the event loop wants a core of its own.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from gateway.minilm import load_encoder
    except ModuleNotFoundError as error:
        raise NotUsableError(f"needs {error.name}, which is not installed: pip install '{EXTRA}'") from None
    return ModelEmbedder(load_encoder(folder).encode)
