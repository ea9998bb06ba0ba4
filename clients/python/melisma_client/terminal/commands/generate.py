"""The command `melisma generate`, which makes a song."""

from melisma_client.connection import SONG_TIMEOUT_SECONDS
from melisma_client.terminal.messages import JsonOption
from melisma_client.terminal.option_groups import with_groups
from melisma_client.terminal.options.ace_step import AceStepFlags
from melisma_client.terminal.options.musicgen import MusicGenFlags
from melisma_client.terminal.options.output import OutputOption, QuietOption, TimeoutOption
from melisma_client.terminal.options.server import ServerOptions
from melisma_client.terminal.options.song import SongOptions
from melisma_client.terminal.options.sound import SoundOptions
from melisma_client.terminal.options.tasks import TaskOptions
from melisma_client.terminal.receiving import receive


@with_groups
def generate(
    *,
    output: OutputOption,
    song: SongOptions,
    task: TaskOptions,
    sound: SoundOptions,
    ace_step: AceStepFlags,
    musicgen: MusicGenFlags,
    timeout_seconds: TimeoutOption = SONG_TIMEOUT_SECONDS,
    json: JsonOption = False,
    quiet: QuietOption = False,
    server: ServerOptions,
) -> None:
    """Make one song and write it as MP3 while it arrives.

    The file is called OUTPUT.part, playable at any moment, until the last byte has arrived and was verified.
    """
    request = song.to_request(task, sound, ace_step, musicgen)
    receive(
        lambda client: client.generate(request, timeout_seconds=timeout_seconds),
        server,
        output,
        json=json,
        quiet=quiet,
    )
