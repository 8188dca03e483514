"""What an agent says, method by method: enough to be kind, nothing that gives a code away."""

from __future__ import annotations

SCRIPTS: dict[str, tuple[str, ...]] = {
    "totp": (
        "“Please open the page I am sending you and type the six digits your authenticator app shows now.”",
        "“Do not read them to me. I can not see them, and I will never ask.”",
    ),
    "passkey": (
        "“Please open the page I am sending you on your own device and use your passkey when it asks.”",
        "“If it asks on any other page, stop and tell me.”",
    ),
    "mail_code": (
        "“A code is on its way to the mail address we have on record for you.”",
        "“Type it on the page I am sending you. Do not read it to me.”",
    ),
    "call_code": (
        "“An automatic call goes now to the number we have on record for you, and says a code.”",
        "“Type it on the page I am sending you. Do not read it to me, whoever I say I am.”",
    ),
    "sms_code": (
        "“A text message with a code is on its way to the number we have on record for you.”",
        "“Type it on the page I am sending you. Do not read it to me, and pass it on to nobody.”",
    ),
    "recovery_code": (
        "“Please find the recovery codes you saved, and open the page I am sending you.”",
        "“Type one of them there. Do not read it to me, and do not send me a picture of the paper.”",
    ),
    "manager_of_record": (
        "Call the manager on the number you know, not on one the caller gives. Do not put anybody through.",
        "“Please sign in to the console and open Vouch. Say yes only if you spoke with them yourself.”",
    ),
    "recovery_contact": (
        "Call the colleague on the number you know, not on one the caller gives. Do not put anybody through.",
        "“Please sign in to the console and open Vouch. Say yes only if you spoke with them yourself.”",
    ),
    "kiosk": (
        "“Please ask a supervisor of the site to come to the kiosk, and show them your badge.”",
        "“They sign in there themselves and open Vouch.” Put down no name but that of whoever stands there.",
    ),
    "in_person": (
        "“May I see a document with your picture?”",
        "Compare the picture and the name with this account. Write no number from the document anywhere.",
    ),
    "video": (
        "Call them yourself, on the address of record. “Please keep your face in the picture all the time.”",
        "“I will ask you for something now; please do it at once.” A pause, a blur or an excuse is a no.",
    ),
    "managed_device": (
        "“Please open the page I am sending you on the computer we manage for you, in its usual browser.”",
        "“Press Continue there. If it says the computer is not known, tell me, and do nothing else.”",
    ),
    "owner_passkey": ("“As owner of this account, please open the page I am sending you and use your passkey.”",),
    "push_number": (
        "“Please open the prompts in the browser you enrolled. It asks for a number: type the one I tell you now.”",
        "“If anybody else ever tells you a number, do not type it: press the button that says it was not you.”",
    ),
    "okta_push": (
        "“Please open Okta Verify. It shows three numbers: pick the one I tell you now.”",
        "“If you are ever asked without having called us, press the button that says it was not you.”",
    ),
    "duo_push": (
        "“Please open Duo Mobile. It asks for a number: type the one I tell you now.”",
        "“If you are ever asked without having called us, say that it was not you, and type no number.”",
    ),
    "id_proofing": (
        "“Please open the page I am sending you. It leads to a provider that looks at a document and your face.”",
        "“I do not see the document, and I do not need its number.”",
    ),
    "verifiable_credential": (
        "“Please open the page I am sending you. It asks your wallet for a credential, and looks at your face.”",
    ),
    "workload": (
        "“Please have the workload itself get a token for the audience on the page I send you, and post it there.”",
    ),
    "custodian_passkey": ("“Break the seal, open the page I am sending you, and use the custodian's key.”",),
}

MEANWHILE: dict[str, tuple[str, ...]] = {
    "frozen": (
        "“Somebody failed to prove that this account is theirs, several times. I do not say that it was you.”",
        "“Until it is opened again, I can not go on like this, for you or for anybody. That protects your account.”",
        "“I pass it on to those who can open it again. Where you can come by in person, that still counts.”",
    ),
    "approve": (
        "“You have done your part. Others have to agree now, and neither of us can do it for them.”",
        "“You need not hold the line. Keep that page open: it goes on by itself.”",
    ),
    "hold": (
        "“It is agreed. It now waits for a while, so that you could stop it if it were not you who called.”",
        "“You need not hold the line. Keep that page open: it goes on by itself.”",
    ),
    "hand-over": (
        "“It is ready on the page you have open. It asks you once more to show that it is you.”",
        "“I can not see it, and I will never ask you for it.”",
    ),
}
"""What an agent says while a case waits, by what it waits for: why nobody can hurry it, and that nobody is blamed."""
