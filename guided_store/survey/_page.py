"""The sheet as one page: everything in one file, nothing fetched, a form on screen and on paper."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from guided_store.survey._form import ALLOWED, ASKED, COMMENT
from guided_store.survey._page_script import SCRIPT
from guided_store.survey._page_style import STYLE
from guided_store.survey._sheet import SIDES, Line, Question, Sheet
from guided_store.wording import counted

# Titles come from users' files: even if one slipped through the escaping, the page could fetch nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"

_SHOWN = {"left": "left", "right": "right", "same": "no difference"}


def page(sheet: Sheet) -> str:
    """HTML of a sheet. It names no version, and its form is the same for both sides."""
    questions = len(sheet.questions)
    item = escape(sheet.item)
    fields = escape(",".join((*ASKED, COMMENT)))
    sections = "\n".join(_section(question, questions, item) for question in sheet.questions)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="robots" content="noindex">
<title>Two lists for each history</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Two lists for each history: which fits better?</h1>
<p>Below are {counted(questions, "history")} of different people, and for each two lists of what might come
next, with a sentence of explanation for every {item}. Read the history, compare the lists, and answer all
four questions about it. There is no right answer; where you cannot tell, &ldquo;no difference&rdquo; is one.
Leave a history blank if you know too few of its titles.</p>
<p class="quiet">An explanation says what raised the {item}: in what it differs from the average {item}, where
that counts for this person, and which earlier choices it rests on. Left and right are drawn by chance for
each history.</p>
<p class="quiet screen script">Answers are kept in this browser as you give them, and sent nowhere. Save them
as a file at the end, and hand that file back.</p>
<noscript><p class="quiet screen">Scripts are switched off here, so that answers cannot be saved: print this
page and fill it in by hand, or fill in the CSV file that came with it.</p></noscript>
<form data-sheet="{sheet.id}" data-columns="{fields}" autocomplete="off">
<label class="rater">Your name or initials <input type="text" name="rater" maxlength="60"></label>
{sections}
<div class="bar screen script"><div><span id="count" role="status"></span>
<span><button type="button" id="clear" class="plain">Clear all</button>
<button type="button" id="save">Save answers</button></span></div></div>
</form>
<p class="quiet">Sheet {sheet.id}</p>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _section(question: Question, questions: int, item: str) -> str:
    pair, number = question.pair, question.number
    shown = len(pair.history)
    of = f"the latest {shown} of {pair.events:,}" if pair.events > shown else f"all {shown}"
    history = "".join(f"<li>{escape(title)}</li>" for title in pair.history)
    lists = "\n".join(
        f"<div><h3>{name.capitalize()}</h3>\n<ol>{_items(side)}</ol></div>"
        for name, side in zip(SIDES, question.sides, strict=True)
    )
    next_one = f'<p class="quiet">What came next: {escape(pair.next)}</p>\n' if pair.next else ""
    fields = "\n".join(_field(name, text, number) for name, text in ASKED.items())
    return f"""<section data-number="{number}" aria-labelledby="q{number}">
<header><h2 id="q{number}">History {number} of {questions}</h2><span class="quiet state"></span></header>
<h3>Chosen so far, {of}, oldest first</h3>
<ol class="history">{history}</ol>
<div class="lists">
{lists}
</div>
{next_one}{fields}
<label class="comment quiet">Comment (optional)
<textarea name="{COMMENT}-{number}" maxlength="500"></textarea></label>
</section>"""


def _items(side: Iterable[Line]) -> str:
    return "".join(f"<li><b>{escape(line.title)}</b><small>{escape(line.why)}</small></li>" for line in side)


def _field(name: str, text: str, number: int) -> str:
    ends = ("1 (not at all) ", "5 (fully)")
    labels = []
    for value in ALLOWED[name]:
        shown = _SHOWN.get(value, value)
        if value == "1":
            shown = ends[0].strip()
        elif value == "5":
            shown = ends[1]
        labels.append(
            f'<label><input type="radio" name="{name}-{number}" value="{value}">{escape(shown)}</label>'
        )
    return f"<fieldset><legend>{escape(text)}</legend><div>{''.join(labels)}</div></fieldset>"
