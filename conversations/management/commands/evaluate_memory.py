from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from conversations.evaluation import cases, guarding, reports, runner, tracking
from conversations.evaluation.cases import BadDataset, Case, Dataset
from memorychat.lib.scratch import scratch_database
from memorychat.llm.providers import (
    CHAT_MODELS,
    Nobody,
    forget_models,
    get_chat_model,
    get_embedder,
    has_language_model,
)

if TYPE_CHECKING:
    from conversations.evaluation.runner import Result


class Command(BaseCommand):
    help = "Measure what is remembered of a golden set, in a scratch database; fails when it is not good enough."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dataset", type=Path, default=cases.GOLDEN, help="another file of cases")
        parser.add_argument("--provider", help="the model to use instead of the configured one, as in LLM_PROVIDERS")
        parser.add_argument("--only", metavar="FAMILY", help="one kind of case")
        parser.add_argument("--report", type=Path, help="where reports are written (DATA_DIR/evaluation)")
        parser.add_argument("--verbose", action="store_true", help="tell each case")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            dataset = cases.load(options["dataset"])
        except BadDataset as error:
            raise CommandError(str(error), returncode=2) from error
        _use(options["provider"])
        chosen = _chosen(dataset, options["only"])
        folder = _folder(options["report"])
        report = self._run(dataset, chosen, verbose=options["verbose"])
        reports.write(report, folder)
        self.stdout.write(reports.as_markdown(report))
        self.stdout.write(f"Reports are in {folder}" + (" and in MLflow." if tracking.track(report, folder) else "."))
        if not report.is_good_enough:
            raise CommandError("Not good enough.", returncode=1)

    def _run(self, dataset: Dataset, chosen: list[Case], *, verbose: bool) -> reports.Report:
        results: list[Result] = []
        with scratch_database("memorychat_evaluation"):
            for result in runner.run(dataset, chosen):
                results.append(result)
                if verbose:
                    self.stdout.write(f"{'passed' if result.passed else 'FAILED'}  {result.case.id}")
        model = get_chat_model(Nobody())
        return reports.Report(
            f"{model.provider} ({model.model})", get_embedder(Nobody()).name, results, guarding.measure()
        )


def _folder(named: Path | None) -> Path:
    """Made before anything is measured, which takes a while."""
    folder = named or Path(settings.DATA_DIR) / "evaluation"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror}.", returncode=2) from error
    return folder


def _use(provider: str | None) -> None:
    if provider is None:
        return
    make = CHAT_MODELS.get(provider)
    if make is None:
        raise CommandError(f"There is no provider {provider!r}; choose of {', '.join(CHAT_MODELS)}.", returncode=2)
    if make() is None:
        raise CommandError(f"The provider {provider!r} is not configured.", returncode=2)
    settings.LLM_PROVIDERS = [provider]
    forget_models()


def _chosen(dataset: Dataset, family: str | None) -> list[Case]:
    """Those of the family, and without a language model those that the built-in rules are made for."""
    families = dict.fromkeys(case.family for case in dataset.cases)
    if family is not None and family not in families:
        raise CommandError(f"There is no family {family!r}; choose of {', '.join(families)}.", returncode=2)
    chosen = [case for case in dataset.cases if family in (None, case.family)]
    chosen = chosen if has_language_model(Nobody()) else [case for case in chosen if case.rules]
    if not chosen:
        raise CommandError("None of these cases is for the built-in rules; connect a language model.", returncode=2)
    return chosen
