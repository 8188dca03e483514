"""The page on which somebody vouches for a colleague, signed in as themself."""

from __future__ import annotations

from litestar import get
from litestar.enums import MediaType

from watchword.core.proving import KIOSK
from watchword.desk.vouching import MANAGER, Vouch
from watchword.reception import wording
from watchword.reception.given import Now, TheActor, TheApp, Token
from watchword.web import view
from watchword.web.frame import chrome, name_of
from watchword.web.render import render


@get("/vouch", include_in_schema=False, media_type=MediaType.HTML, sync_to_thread=True)
def vouch_page(app: TheApp, actor: TheActor, at: Now, csrf: Token) -> str:
    """What is asked of whoever is signed in."""

    def asked(one: Vouch) -> view.Vouched:
        name = name_of(app, one.subject) if one.subject else "somebody"
        manager = one.as_ == MANAGER
        place = "their manager of record" if manager else "the contact they named"
        how = f"As {place} you say that you spoke with them yourself, on a way that you know, and that they asked."
        if one.as_ == KIOSK:
            how = "As supervisor you say that they stand beside you, that you saw their badge, and that they asked."
        return view.Vouched(
            title=f"Is it {name}?",
            lede=how,
            facts=(
                view.Fact(label="Who", value=name, note=app.names.said(one.subject)[0] if one.subject else ""),
                view.Fact(label="What they asked for", value=wording.ACTIONS[one.action][0]),
                view.Fact(label="Case", value=one.case),
                view.Fact(label="Asked by", value=name_of(app, one.by)),
            ),
            until=one.expires,
            api=f"/api/vouches/{one.case}/{one.challenge}",
            options=one.options,
        )

    waiting = tuple(asked(one) for one in app.desk.verification.vouches(actor.person, at))
    return render(view.VouchPage(chrome=chrome(app, at, csrf, actor.person, here="vouch"), asked=waiting))
