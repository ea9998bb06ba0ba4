"""Starts a server and records the benchmark songs from it: MP3 files, each with a JSON file of plan, timings and score.

    python -m benchmarks.music.record --folder /tmp/songs spring moonlight

`--lead` also records the lead line alone (for `transcribe.py`).
"""

import argparse
import asyncio
import base64
import json
from pathlib import Path

import grpc.aio
from google.protobuf.json_format import MessageToDict

from benchmarks.service.listener import Heard, listen
from benchmarks.service.running import running_service
from benchmarks.songs import SONGS
from melisma.v1 import music_pb2


def save(heard: Heard, folder: Path) -> None:
    """Write a song and its JSON record into `folder`."""
    (folder / f"{heard.name}.mp3").write_bytes(heard.data)
    plan = MessageToDict(heard.plan, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    timings = [[(t.text, t.start_seconds, t.end_seconds) for t in section.timings] for section in heard.sections]
    scores = [base64.b64encode(section.midi).decode() for section in heard.sections]
    record = plan | {"seed": heard.seed, "timings": timings, "scores": scores}
    (folder / f"{heard.name}.json").write_text(json.dumps(record, ensure_ascii=False, indent=1))
    print(
        f"{heard.name}: {heard.finished.duration_seconds:.2f} s, first audio {heard.first_audio_seconds:.3f} s, "
        f"all in {heard.total_seconds:.2f} s, {heard.plan.key} {heard.plan.tempo_bpm:.1f} bpm"
    )


def lead_only(request: music_pb2.GenerateRequest) -> music_pb2.GenerateRequest:
    """Return the request for the same song with only the lead line."""
    alone = music_pb2.GenerateRequest()
    alone.CopyFrom(request)
    alone.stems.append(music_pb2.STEM_KIND_VOCAL)
    return alone


async def record(address: str, names: list[str], folder: Path, lead: bool) -> None:
    """Request the songs `names` of `SONGS` from the server at `address`, one after another, and save them in `folder`;
    with `lead` the lead line of each alone, too.
    """
    async with grpc.aio.insecure_channel(address) as channel:
        for name in names:
            save(await listen(channel, name, SONGS[name]), folder)
            if lead:
                save(await listen(channel, f"{name}-lead", lead_only(SONGS[name])), folder)


def main() -> None:
    """Command line: record the named songs into a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("songs", nargs="*", default=list(SONGS), help=f"any of {', '.join(SONGS)}")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--lead", action="store_true", help="record the lead line alone as well")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with running_service() as service:
        asyncio.run(record(service.address, options.songs, options.folder, options.lead))


if __name__ == "__main__":
    main()
