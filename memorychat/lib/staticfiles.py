"""Static files under names that tell their content, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):
    """Our modules import each other by hashed names too: no page runs a new module with an old one beside it."""

    support_js_module_import_aggregation = True
    # Ours alone: packages bring modules that import by names which only a bundler of their user's could find.
    _js_module_import_aggregation_patterns = (
        "js/*.js",
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],
    )
