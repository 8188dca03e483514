"""The sealed procedure for the day Watchword is down: a page that `watchword init` writes, to be printed and sealed."""

from __future__ import annotations

from html import escape

STEPS = (
    (
        "When this may be opened",
        (
            "Watchword has not answered for 30 minutes, and somebody can not wait.",
            "Security on duty knows, and has written the time down.",
            "Both custodians named above are there. One alone opens nothing.",
        ),
    ),
    (
        "What is done",
        (
            "Break the seal together. Write date, time (UTC) and both names on the envelope.",
            "See the person in front of you, with an identity document, or call the number of record back.",
            "One custodian signs in with the account in the envelope, in the native tool above. The other watches.",
            "Do the one thing that was asked, to the one account.",
            "A new password is typed in by the person themself, and is to be changed at the next sign-in.",
            "Sign out. Change the password of the account in the envelope, and seal the new one in a new envelope.",
        ),
    ),
    (
        "What is written down",
        (
            "Account, what was done to it, from when until when (UTC), and for whom.",
            "The name of the account it was done with, exactly as the directory's log writes it.",
            "How the person was recognised, and who was there.",
        ),
    ),
    (
        "When Watchword is back",
        (
            "The first custodian declares each piece of work: watchword case declare, or Downtime in the console.",
            "The second custodian confirms it. Until then the watch shows it as an unverified event.",
            "A reviewer who took no part looks at it within 24 hours.",
            "What is not declared within 14 days can not be declared any more: it stays a finding.",
        ),
    ),
)
"""The headings of the page, and what stands under each."""

BLANKS = (
    "First custodian (name, telephone)",
    "Second custodian (name, telephone)",
    "Native tool, and where it is",
    "Account in this envelope",
    "Where the envelope is kept",
    "Number of the seal",
)
"""What is filled in by hand before it is sealed."""

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sealed procedure: {origin}</title>
<style>
@page {{ size: A4; margin: 18mm; }}
body {{ font: 11pt/1.45 Georgia, serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
body {{ color: #111; background: #fff; }}
h1 {{ font-size: 17pt; margin: 0 0 .2rem; }}
h2 {{ font-size: 12.5pt; margin: 1.3rem 0 .3rem; break-after: avoid; }}
p {{ margin: .2rem 0; }}
table {{ width: 100%; border-collapse: collapse; margin-top: 1rem; }}
th {{ text-align: left; font-weight: normal; width: 42%; }}
th, td {{ border-bottom: 1px solid #555; padding: .55rem 0 .15rem; vertical-align: bottom; }}
li {{ margin: .2rem 0; }}
.note {{ border: 1px solid #111; padding: .5rem .7rem; margin-top: 1rem; }}
</style>
</head>
<body>
<h1>The day Watchword is down</h1>
<p>Sealed procedure of <b>{origin}</b>. Print it, fill it in by hand, put it into a numbered envelope with the password
of an account that the directory's own tool takes, seal it over two signatures, and keep it where both custodians get at
it without any computer of yours.</p>
<table>{blanks}</table>
{steps}
<p class="note">The custodians of this envelope are not those who break the glass in Watchword: give them the role
<b>downtime_custodian</b>, and nobody both roles. Open the envelope once a year to see that it works; declare
that too.</p>
</body>
</html>
"""


def sealed_procedure(origin: str) -> str:
    """The page as HTML for paper; it holds no secret, what is secret is written in by hand."""
    blanks = "".join(f"<tr><th>{escape(blank)}</th><td></td></tr>" for blank in BLANKS)
    steps = "".join(
        f"<h2>{escape(title)}</h2><ol>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ol>"
        for title, lines in STEPS
    )
    return _PAGE.format(origin=escape(origin), blanks=blanks, steps=steps)
