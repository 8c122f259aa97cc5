"""The FastAPI application: `uvicorn service.app:app`."""

from importlib.metadata import version

from fastapi import Depends
from fastapi_offline import FastAPIOffline
from prometheus_fastapi_instrumentator import Instrumentator

from service import errors, logs
from service.intake.patience import BodyPatience
from service.middleware import BodyLimit, RequestContext
from service.parameters import known_only
from service.routes import (
    advice,
    audits,
    catalogue,
    compositions,
    contamination,
    datasets,
    diffs,
    duplicates,
    erasures,
    export_lists,
    exports,
    imports,
    jobs,
    pair_builds,
    pairs,
    policies,
    records,
    replays,
    reviews,
    scores,
    streams,
    subsets,
    system,
    topics,
    upload_sessions,
    uploads,
    viewer,
    views,
    what_if,
)

DESCRIPTION = """
Preference data goes in; a smaller, cleaner training set comes out, with evidence that it is better.

Every data route needs an API key: `Authorization: Bearer <key>` or `X-API-Key: <key>`.
Errors are `application/problem+json` with a stable `code`. Lists are keyset pages: pass
`next_cursor` of one page as `cursor` of the next. Any POST may carry an `Idempotency-Key`: sent
again, it does nothing more and gets the first answer. What takes longer is a job: follow it at
`/api/v1/jobs/{id}` or `/api/v1/jobs/{id}/events`.
"""
TAGS = [
    {"name": "datasets", "description": "Named collections of preference data"},
    {"name": "uploads", "description": "Files of a dataset, and the rows that were refused"},
    {"name": "erasures", "description": "Sources that leave a dataset, for a while or for good"},
    {"name": "pairs", "description": "Preference pairs: the unit that is curated"},
    {"name": "viewer", "description": "The read API of Hugging Face's dataset viewer"},
    {"name": "pair builds", "description": "Pairs built from labels by a policy, previewed first"},
    {"name": "jobs", "description": "Everything that takes longer than a request"},
    {"name": "scores", "description": "What the signals said about each item"},
    {"name": "subsets", "description": "Selections by a recipe, with rank and reason of each pair"},
    {"name": "advice", "description": "Which recipe helps on a dataset, or that none does"},
    {"name": "audits", "description": "What a dataset's labels are worth"},
    {"name": "review", "description": "What humans should look at, and what they decided"},
    {"name": "duplicates", "description": "What a dataset says more than once"},
    {"name": "topics", "description": "What prompts are about, and how subsets cover it"},
    {"name": "what-if", "description": "What a threshold of a score would keep"},
    {"name": "contamination", "description": "What a dataset repeats of benchmarks"},
    {"name": "exports", "description": "Subsets as folders of files"},
    {"name": "catalogue", "description": "Signals, recipes and layouts that this service knows"},
    {"name": "system", "description": "Health, version, metrics"},
]

logs.configure()
app = FastAPIOffline(
    title="prefsift",
    version=version("prefsift"),
    description=DESCRIPTION,
    openapi_tags=TAGS,
)
app.add_middleware(BodyPatience)
app.add_middleware(BodyLimit)
app.add_middleware(RequestContext)
errors.install(app)
ROUTES = (
    datasets, uploads, upload_sessions, imports, pairs, pair_builds, jobs, scores, subsets, exports,
    erasures, catalogue, policies, system, streams, records, viewer, views, diffs, replays,
    audits, reviews, compositions, export_lists, duplicates, topics,
    contamination, advice, what_if,
)  # fmt: skip
for module in ROUTES:
    lenient = module in (viewer, system)
    app.include_router(module.router, dependencies=[] if lenient else [Depends(known_only)])
Instrumentator(excluded_handlers=["/metrics"]).instrument(app).expose(app, tags=["system"])
