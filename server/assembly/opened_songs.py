"""Opens the songs service of a server, with its store, from the settings."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry

from server.assembly.opened_store import OpenedStore, open_store
from server.assembly.processes import resume_rule
from server.audio.manifest import ManifestSigner
from server.auth.api_keys import ApiKeyFile
from server.background import in_background
from server.checking.base import RequestChecker
from server.generation.frontend import Frontend
from server.generation.runner import Runner
from server.quota import Quota
from server.settings.settings import Settings
from server.songs.service import Songs
from server.songs.shared.sharing import Resumption, SharingRules
from server.songs.shared.storing import Pace
from server.songs.tickets import Terms
from server.store.watcher import StoreWatcher
from server.telemetry.metrics import Metrics
from server.telemetry.scraped import (
    expose_credentials,
    expose_deletions,
    expose_folder,
    expose_service,
    expose_store,
    expose_work,
)
from server.telemetry.store_metrics import FolderMetrics, StoreMetrics


@asynccontextmanager
async def open_songs(
    settings: Settings,
    runner: Runner | Frontend,
    checker: RequestChecker,
    metrics: Metrics,
    keys: ApiKeyFile | None,
) -> AsyncIterator[Songs]:
    """Open the songs service with its store and eviction; `runner` makes the songs. All are closed at the end of the
    context.

    Raises:
        StoreUnusable: the folder of the store cannot be used, or is in use by another server.
        SharedStoreUnusable: the song directory or the object store cannot be used.
    """
    kept = settings.store
    kind = FolderMetrics if kept.kind == "embedded" else StoreMetrics
    watcher: StoreWatcher = kind(metrics.registry, settings.engine_names, metrics.songs)
    async with open_store(kept, watcher) as store, AsyncExitStack() as stack:
        runner.readiness.unkept = lambda: store.songs.trouble
        if store.cut_off is not None:
            await stack.enter_async_context(in_background(runner.readiness.watch(store.cut_off)))
        built = _build_songs(settings, runner, store, checker, watcher, keys)
        stack.push_async_callback(built.credentials.close)
        _expose_songs(settings, metrics.registry, store, built)
        if kept.kind == "shared" and settings.takes_calls:
            await stack.enter_async_context(in_background(runner.readiness.count_on(lambda: built.served)))
        await built.prepare()
        try:
            async with in_background(built.run()):
                yield built
        finally:
            await built.close()


def _build_songs(
    settings: Settings,
    runner: Runner | Frontend,
    store: OpenedStore,
    checker: RequestChecker,
    watcher: StoreWatcher,
    keys: ApiKeyFile | None,
) -> Songs:
    """Create the songs service: `runner` makes its songs, `store` stores them, `checker` checks requests, `watcher`
    counts failed calls to the store, and `keys` has the quotas of callers (`None`: no quotas).
    """
    return Songs(
        runner,
        settings.engine_names,
        store.songs,
        store.directory,
        checker=checker,
        terms=_terms(settings, keys),
        linger_seconds=settings.store.linger_seconds,
        log_requests=settings.log_requests,
        watcher=watcher,
        sharing=_sharing_rules(settings),
        signer=_read_signer(settings),
    )


def _sharing_rules(settings: Settings) -> SharingRules:
    kept = settings.store
    return SharingRules(
        pace=Pace(kept.flush_seconds, kept.outage_seconds, settings.limits.heartbeat_seconds),
        lease_seconds=kept.lease_seconds,
        resumption=Resumption(partial(resume_rule, settings), kept.resume_seconds),
    )


def _expose_songs(settings: Settings, registry: CollectorRegistry, store: OpenedStore, songs: Songs) -> None:
    """Register the metrics of songs and store that are read from the running server at every scrape."""
    if store.folder is not None:
        expose_folder(registry, store.folder, settings.store.max_mebibytes << 20)
    expose_store(registry, store.songs.usage, lambda: songs.listeners)
    expose_deletions(registry, lambda: songs.deletion.count, lambda: songs.eviction.count)
    expose_credentials(registry, lambda: songs.credentials.made, lambda: songs.credentials.failed)
    expose_service(registry, settings.engine_names, lambda: songs.work.queue)
    if settings.store.kind == "shared":
        expose_work(registry, lambda: (songs.work.songs, songs.work.backlog_seconds))


def _read_signer(settings: Settings) -> ManifestSigner | None:
    """Read the certificate for C2PA manifests and return an object that signs manifests; `None` if the operator has
    configured no certificate, or if the server takes no calls.

    Raises:
        InvalidSigningCertificate: the certificate cannot be used, or a package is missing.
    """
    marking = settings.marking
    if not marking.certificate or not settings.takes_calls:
        return None
    return ManifestSigner(Path(marking.certificate), Path(marking.key))


def _terms(settings: Settings, keys: ApiKeyFile | None) -> Callable[[str], Terms]:
    """Return a function from a caller's name to the caller's quota (from the API keys) and scheduling weight (from the
    settings).
    """
    weights, quota_of = settings.scheduling.weights, keys.quota if keys else _no_quota
    return lambda caller: Terms(quota_of(caller), weights.get(caller, 1.0))


def _no_quota(_: str) -> Quota:
    return Quota()
