"""A program that starts an encoder process, prints its process id and address, and waits until it is killed."""

import asyncio

from server.encoders.encoder_process import EncoderProcess
from server.encoders.local_pool import LocalEncoders
from server.encoders.messages import Encoded, EncodingFailed
from tests.support.fakes import FAKE_ENCODER


class _Unheard:
    def encoded(self, message: Encoded | EncodingFailed) -> None:
        pass

    def encoder_lost(self, song_ids: object) -> None:
        pass

    def encoder_restarted(self) -> None:
        pass

    def encoders_changed(self) -> None:
        pass


async def main() -> None:
    """Start the encoder, and wait until this process is killed."""
    pool = LocalEncoders(lambda address: EncoderProcess(address, FAKE_ENCODER))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pool.run(_Unheard()))
        await pool.settled()
        ((address, encoder),) = pool.up.items()
        assert isinstance(encoder, EncoderProcess)
        print(encoder.pid, address, flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
