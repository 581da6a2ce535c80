"""Labeling functions of this project: each votes for a label, or abstains.

Edit freely, then `weaksup run`: only what changed runs again.
`weaksup apply lfs.py --check-examples` runs the examples.
"""

from weaksup import LabelSpace
from weaksup.labeling_functions import keywords, labeling_function, regex, spacy_tokens

LABELS = LabelSpace(
    {
        "billing": "charges, invoices, receipts, refunds, payment methods, tax, price of a plan, seats on the bill",
        "cancellation": "end, close, not renew, stop a trial from converting, delete the account, move down to Free",
        "onboarding": "getting started, first set-up, moving data in, first invites, how to use what exists",
        "bug_report": "something that exists is broken, slow, wrong, lost, or crashes",
        "feature_request": "asks for something that does not exist, or for a change in how it works",
        "account_access": "cannot get in: password, 2FA, locked, SSO, wrong e-mail, owner left, permission to enter",
    },
    guideline="A ticket has one label: what the writer wants us to do now, whatever else it mentions.",
)

# Declarative functions run on whole columns: fast, and nothing to get wrong.
money = keywords(
    "money",
    ["invoice", "invoices", "refund", "refunded", "charged", "receipt", "vat", "billed", "payment", "credit card"],
    label="billing",
    examples=[("I was charged twice, please refund me", "billing"), ("the app is slow", None)],
)
leaving = regex(
    "leaving",
    r"(?i)\b(cancel|cancelling|unsubscribe|not renew|close (our|my|the) (account|workspace)|delete (our|my) account)\b",
    label="cancellation",
    examples=[("please close our workspace", "cancellation")],
)
cannot_enter = regex(
    "cannot_enter",
    r"(?i)\b(log ?in|sign ?in|signin|password|locked out|2fa|sso|verification code|reset (mail|email|link))\b",
    label="account_access",
    examples=[("my password reset never comes", "account_access")],
)
broken = regex(
    "broken",
    r"(?i)\b(crash(es|ed)?|freezes|error|broken|glitch|stopped working|(does|do|did)n.?t work|disappear(s|ed)|blank)\b",
    label="bug_report",
    examples=[("the timeline crashes on my phone", "bug_report")],
)
wish = regex(
    "wish",
    r"(?i)\b(would be (great|nice|lovely|handy)|feature|wish|any plans|please add|could you add|it would help)\b",
    label="feature_request",
    examples=[("would be nice to have dark mode", "feature_request")],
)
how_to = regex(
    "how_to",
    r"(?i)\b(how (do|can|should) (i|we)|where do (i|we)|set ?up|import|get(ting)? started|new here|first)\b",
    label="onboarding",
    examples=[("How do I invite my team?", "onboarding")],
)

# A token pattern: "cannot get in", "can't get into", "unable to get in".
get_in = spacy_tokens(
    "get_in",
    [[{"LOWER": "get"}, {"LOWER": {"IN": ["in", "into"]}}]],
    label="account_access",
    examples=[("I can't get into our workspace", "account_access")],
)


# Plain Python sees the whole row: x.text, and every other column of the corpus.
@labeling_function(examples=[("Why does it cost $12 per seat?", "billing"), ("Board 12 is empty", None)])
def amount_of_money(x):
    return "billing" if any(sign in x.text for sign in "$€£") else None
