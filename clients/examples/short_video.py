"""Makes music for a short video: an MP3 file of exactly the video's length, in its mood, within a time limit.

The tempo is chosen so that whole bars fill the time, and the music ends with the video. If the server cannot make the
music in time, a track of the user's own library is cut to the length instead, and the output gives the reason.

    python clients/examples/short_video.py --mood joyful --seconds 23.5 --output music.mp3 --library tracks/

The folder `tracks/` has one file for each mood, such as `joyful.mp3`. Standard output is JSON about the music. The exit
status is 0 if music was written, from the server or the library; 1 if none was; 2 for an invalid request, for which the
library is not used.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from melisma_client import (
    Client,
    DeadlineExceeded,
    InvalidRequest,
    MelismaError,
    NotReady,
    Overloaded,
    Retry,
    SongRequest,
    Unavailable,
)

MOODS = {
    "calm": ("calm ambient, soft piano", 76),
    "epic": ("epic cinematic, strings, drums", 96),
    "inspiring": ("inspiring pop, hopeful, piano-driven", 108),
    "joyful": ("happy upbeat pop, ukulele, light drums", 118),
    "playful": ("playful, quirky, pizzicato", 124),
    "romantic": ("romantic ballad, warm piano", 80),
    "sad": ("sad piano ballad, strings", 70),
    "tense": ("tense dark cinematic, pulsing bass", 100),
}
BEATS_PER_BAR = 4
SAMPLES_PER_FRAME = 1152
INFO_PLACE = 36
BITRATES_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
RATES_HERTZ = (44_100, 48_000, 32_000)
WORTH_THE_LIBRARY = (Unavailable, Overloaded, DeadlineExceeded, NotReady)


def main() -> int:
    """Command line: write the music for a video; return the exit status."""
    arguments = parse()
    try:
        music, answer = make(arguments)
    except InvalidRequest as error:
        print(f"the request is invalid: {error}", file=sys.stderr)
        return 2
    except (MelismaError, OSError, ValueError) as error:
        print(f"the music could not be made: {error}", file=sys.stderr)
        return 1
    part = arguments.output.with_name(f"{arguments.output.name}.part")
    part.write_bytes(music)
    part.replace(arguments.output)
    print(json.dumps(answer, ensure_ascii=False))
    return 0


def parse() -> argparse.Namespace:
    """Parse the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mood", choices=MOODS, required=True)
    parser.add_argument("--seconds", type=float, required=True, help="length of the video in seconds, 10 to 240")
    parser.add_argument("--output", type=Path, required=True, help="MP3 file to write")
    parser.add_argument("--deadline", type=float, default=20.0, help="most seconds to wait for the music (20)")
    parser.add_argument(
        "--library", type=Path, help="folder with <mood>.mp3 files to use if the server cannot make music in time"
    )
    parser.add_argument("--seed", type=int, help="random seed; the same seed gives the same music")
    parser.add_argument("--server", default=os.environ.get("MELISMA_SERVER", "localhost:50051"))
    return parser.parse_args()


def make(arguments: argparse.Namespace) -> tuple[bytes, dict[str, object]]:
    """Return the bytes of the MP3 file, and facts for the output, such as the source (server or library).

    Raises the error of the server if there is no library, and OSError if the library has no track for the mood.
    """
    begin = time.monotonic()
    try:
        music, facts = ask(arguments)
    except WORTH_THE_LIBRARY as error:
        if arguments.library is None:
            raise
        music = (arguments.library / f"{arguments.mood}.mp3").read_bytes()
        facts = {"source": "library", "reason": f"{type(error).__name__}: {error}"}
    waited = round(time.monotonic() - begin, 2)
    return fit(music, arguments.seconds), facts | {"mood": arguments.mood, "waited_seconds": waited}


def ask(arguments: argparse.Namespace) -> tuple[bytes, dict[str, object]]:
    """Request the song from the server; return the bytes of its MP3 file and facts for the output, such as the song's
    id. Raises MelismaError.
    """
    prompt, usual_bpm = MOODS[arguments.mood]
    bars = max(1, round(arguments.seconds * usual_bpm / 60 / BEATS_PER_BAR))
    request = SongRequest(
        prompt=f"{prompt}, instrumental",
        duration_seconds=arguments.seconds,
        tempo_bpm=bars * BEATS_PER_BAR * 60 / arguments.seconds,
        seed=arguments.seed,
    )
    key = os.environ.get("MELISMA_API_KEY", "")
    with (
        Client(arguments.server, caller="short-video", api_key=key, retry=Retry(attempts=3)) as client,
        client.generate(request, timeout_seconds=arguments.deadline) as song,
    ):
        music = b"".join(song.audio())
    accepted = song.received.accepted
    assert accepted is not None  # a complete song was accepted
    return music, {"source": "made", "song_id": accepted.song_id, "seed": accepted.seed}


def fit(music: bytes, seconds: float) -> bytes:
    """Return the MP3 cut, or padded with silence, to the number of frames (26 ms each) nearest to `seconds`; raises
    ValueError if it is not an MP3.
    """
    frames, at = [], first_frame(music)
    while at + 4 <= len(music) and (size := frame_bytes(music[at : at + 4])):
        frames.append(music[at : at + size])
        at += size
    if frames and frames[0][INFO_PLACE : INFO_PLACE + 4] in (b"Info", b"Xing"):
        del frames[0]  # the Info frame states the length before the cut
    if not frames:
        raise ValueError("the track is not an MP3 file (MPEG-1 layer III): use another one")
    rate = RATES_HERTZ[frames[0][2] >> 2 & 3]
    wanted = round(seconds * rate / SAMPLES_PER_FRAME)
    header = bytes((0xFF, 0xFB)) + frames[-1][2:4]  # a frame without checksum; zeros after the header are silence
    silence = header + bytes(frame_bytes(header) - len(header))
    return b"".join((frames + [silence] * wanted)[:wanted])


def first_frame(music: bytes) -> int:
    """Return the byte offset of the first MP3 frame, after an ID3 tag if there is one."""
    if music[:3] != b"ID3":
        return 0
    return 10 + sum(byte << 7 * (3 - place) for place, byte in enumerate(music[6:10]))


def frame_bytes(header: bytes) -> int:
    """Return the length, in bytes, of the MP3 frame with this header; 0 if the bytes are not a frame header."""
    bitrate, rate = header[2] >> 4, header[2] >> 2 & 3
    if header[0] != 0xFF or header[1] & 0xFE != 0xFA or bitrate >= len(BITRATES_KBPS) or not bitrate or rate > 2:
        return 0
    return 144_000 * BITRATES_KBPS[bitrate] // RATES_HERTZ[rate] + (header[2] >> 1 & 1)


if __name__ == "__main__":
    sys.exit(main())
