"""Measures the videos of an archive on the workers of a Dask cluster."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rotrack.archive.manifest import some
from rotrack.archive.task import OnShare, Parcel, Task, measure_task, other_versions, versions
from rotrack.core.errors import InputError, RotrackError
from rotrack.measure.batch import died
from rotrack.system.clock import Clock
from rotrack.system.imports import when_used

if TYPE_CHECKING:
    import filelock
else:
    filelock = when_used("filelock")

CONNECT_S = 5.0
"""How long to wait for a scheduler and its first worker."""
LOOK_S = 10.0
"""How often to see whether the cluster is still there."""

Tell = Callable[[str], None]


def on_cluster(address: str, tasks: Sequence[Task], tell: Tell, on_share: OnShare, clock: Clock) -> Generator[tuple[int, Parcel]]:
    """Measure on the workers of a Dask cluster."""
    try:
        import distributed
    except ImportError as error:
        raise InputError("Measuring on a cluster needs Dask: pip install 'rotrack[dask]', here and on its computers.") from error
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # what matters is said here, in a sentence
    try:
        with _client(distributed, address) as client:
            _check_workers(client, address, tell)
            places = {
                client.submit(
                    measure_task, task, key=f"rotrack-{task.job.video.stem}-{uuid.uuid4().hex}", retries=1, priority=-number
                ): number
                for number, task in enumerate(tasks)
            }
            try:
                for future in _ended(distributed, client, list(places), tell, clock):
                    number = places.pop(future)
                    parcel = _fetched(distributed, future, tasks[number])
                    future.release()
                    on_share(1.0)
                    yield number, parcel
            finally:
                with suppress(OSError):
                    client.cancel(list(places))
    except OSError as error:
        raise InputError(
            f"The Dask scheduler at {address} is gone. Start it and run this again, which goes on from here."
        ) from error


@contextmanager
def _client(distributed: Any, address: str) -> Iterator[Any]:
    async def reach() -> None:  # a client that finds nobody takes long to give up
        how = distributed.Security().get_connection_args("client")
        comm = await asyncio.wait_for(distributed.comm.connect(address, timeout=CONNECT_S, **how), 2 * CONNECT_S)
        comm.abort()

    try:
        asyncio.run(reach())
        client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except Exception as error:  # whatever may answer at that address
        raise InputError(
            f"There is no Dask scheduler at '{address}'. Start one with `dask scheduler`, which says its address, like "
            "tcp://192.168.1.10:8786."
        ) from error
    try:
        yield client
    finally:
        client.close()


def _check_workers(client: Any, address: str, tell: Tell) -> None:
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
    except TimeoutError as error:
        raise InputError(
            f"The cluster at {address} has no worker; start one on each computer with `dask worker {address} --nthreads 1`."
        ) from error
    wanted = versions()
    for worker, found in client.run(versions, on_error="return").items():
        if isinstance(found, Exception):
            raise InputError(f"The worker {worker} cannot run rotrack ({found}); install rotrack {wanted['rotrack']} there.")
        if found != wanted:
            raise InputError(other_versions(f"the worker {worker}", found, wanted))
    wide = [worker for worker, threads in client.nthreads().items() if threads > 1]
    if wide:
        tell(
            f"A worker measures one video at a time, however many threads it has ({some(wide, 2)}): start workers with "
            "--nthreads 1 and --nworkers as many as there are cores."
        )


def _ended(distributed: Any, client: Any, futures: list[Any], tell: Tell, clock: Clock) -> Iterator[Any]:
    """Yield futures as they end, and look now and then whether somebody works on them; ConnectionError if nobody can."""
    ended = distributed.as_completed(futures, loop=client.loop)
    looked_s, alone = clock.monotonic_s(), False
    while not ended.is_empty():
        if ended.has_ready():
            yield next(ended)
            continue
        clock.sleep(0.05)
        if clock.monotonic_s() - looked_s < LOOK_S:
            continue
        looked_s = clock.monotonic_s()
        if client.status != "running":
            raise ConnectionError
        if alone != (not client.nthreads()):
            alone = not alone
            tell("The cluster has no worker at the moment; waiting for one." if alone else "The cluster has a worker again.")


def _fetched(distributed: Any, future: Any, task: Task) -> Parcel:
    if future.cancelled():  # by the scheduler's end
        raise ConnectionError
    try:
        return future.result()
    except distributed.KilledWorker:
        return Parcel({}, died(task.job.video))
    except Exception as error:  # noqa: BLE001  whatever happened to that worker, the others go on
        why = f"{type(error).__name__}: {error}"
        return Parcel({}, RotrackError(f"The cluster could not measure {task.job.video.name} ({why})."))
