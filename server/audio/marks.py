"""Makes the marks at the head of a file by which machines recognise generated sound.

The EU AI Act, Article 50(2), requires a machine-readable mark without prescribing a form. The marks are a digital
source type of the IPTC NewsCodes (cv.iptc.org) and a comment for people. China's measures for labelling generated
content require the field AIGC of GB 45438-2025, a JSON object in the metadata of the file; its members for distributors
stay empty.
"""

import json

from server.song import Marks, Origin

COMMENT = "AI generated"
_LABEL = "1"
_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED = f"{_SOURCE_TYPES}trainedAlgorithmicMedia"
"""IPTC digital source type of sound that was generated from text alone."""

_WITH_A_RECORDING = f"{_SOURCE_TYPES}compositeWithTrainedAlgorithmicMedia"


def marks_of(origin: Origin, producer: str) -> Marks:
    """Return the marks that declare a song of this origin as AI-generated; `producer` is the provider of the service,
    empty if unknown.
    """
    return Marks(_WITH_A_RECORDING if origin.has_recording else GENERATED, producer, origin.content_id)


def mark_tags(marks: Marks) -> dict[str, str]:
    """Return the marks as metadata tags of a file, by the name of the tag."""
    return {"AIGC": _aigc(marks), "digital_source_type": marks.digital_source_type, "comment": COMMENT}


def _aigc(marks: Marks) -> str:
    return json.dumps(
        {
            "Label": _LABEL,
            "ContentProducer": marks.producer,
            "ProduceID": marks.content_id,
            "ReservedCode1": "",
            "ContentPropagator": "",
            "PropagateID": "",
            "ReservedCode2": "",
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
