"""Keeps the figures of a run in MLflow, where it is installed. It is no requirement of MemoryChat."""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from conversations.evaluation.reports import Report

EXPERIMENT = "memorychat-evaluation"


def track(report: Report, folder: Path) -> bool:
    """Whether it was kept; where is MLflow's own affair (MLFLOW_TRACKING_URI)."""
    if find_spec("mlflow") is None:
        return False
    mlflow = import_module("mlflow")
    mlflow.set_experiment(EXPERIMENT)
    with mlflow.start_run():
        mlflow.log_params({"provider": report.provider, "embedder": report.embedder})
        for name, figures in {"all": report.whole, **report.families}.items():
            key = name.replace(" ", "_")
            mlflow.log_metrics({f"{key}.precision": figures.precision, f"{key}.recall": figures.recall})
        mlflow.log_artifacts(str(folder))
    return True
