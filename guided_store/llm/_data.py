"""Item texts as JSON data that no text can break out of."""

from __future__ import annotations

import json
import re

# What chat templates of local models read as a change of speaker, such as <|im_start|>, </s> or [INST]. Its
# first character is written as a JSON escape: the same text to whoever reads JSON, no marker to a tokeniser.
_MARKER = re.compile(r"<|\[(?=/?[A-Za-z_]{2,24}\])")


def data_text(content: object) -> str:
    """`content` as JSON: reading it gives each text back exactly, and no text in it is a marker."""
    text = json.dumps(content, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can carry
        text = json.dumps(content)
    return _MARKER.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
