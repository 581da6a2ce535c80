"""Labeling functions for support tickets of an online planning tool: six labels, made to be copied and changed.

How it was written. Some 860 tickets were read, at first only half of them; the rules were tried on those not yet read,
and a word stayed where other people would use it too. Money, leaving and getting in have words of their own. A first
question, a complaint and a wish have none: they are known by the form of a sentence, and their rules are silent where
one of those three matters is spoken of. The guideline asks what is wanted now, so `last_request` reads only the last
sentence that asks for something. The rules overlap and contradict each other, as real ones do. On 4,725 tickets that
were never read they cover 79 %, and their plain majority is right on 76 % of these.
"""

from __future__ import annotations

import re
from typing import Any

from weaksup.labeling_functions import keywords, labeling_function, preprocessor, regex, spacy_tokens
from weaksup.labels import LabelSpace

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


def words(text: str) -> list[str]:
    """Split a comma-separated list."""
    return [" ".join(word.split()) for word in text.split(",")]


def one_of(text: str) -> str:
    """Return a pattern for any of the comma-separated patterns, as whole words."""
    return rf"\b(?:{'|'.join(words(text))})\b"


def finder(text: str) -> re.Pattern[str]:
    """Compile a pattern for any of the comma-separated patterns, as whole words."""
    return re.compile(one_of(text))


def near(first: str, second: str, *, gap: int = 40) -> str:
    """Return a pattern: one of `first`, then one of `second` in the same sentence, at most `gap` characters on."""
    return rf"{one_of(first)}[^.?!]{{0,{gap}}}{one_of(second)}"


# Who says one of these is on the way out, whatever invoice or login is mentioned too.
GOING = words("""cancel, cancelling, canceling, terminate, termination, not renew, don't renew, won't renew,
    not be renewing, not continue, close our, close my, close the account, close the workspace, delete the account,
    delete my account, delete the workspace, account deletion, shut down, end the plan, end my plan, end it,
    leave your, we're leaving""")
# What is dealt with is not what is wanted now.
SETTLED = words("is settled, is sorted, is solved, is fixed, all solved, works now, went through fine, aside")
PAPERS = words("""invoice, invoices, invoiced, receipt, receipts, bill, bills, billed, billing, credit note, quotation,
    purchase order, po number, order confirmation, statement, overdue, vat, gst, tax, taxes, tax-exempt,
    reverse charge, accountant, accounting, bookkeeper, bookkeeping, auditor, cfo, tax office, accounts payable,
    legal entity""")
PAYMENTS = words("""pay, paying, paid, payment, payments, charge, charged, charges, overcharged, chargeback, refund,
    refunded, refunds, reimburse, money back, debit, debited, deducted, bank transfer, wire transfer, sepa, iban,
    paypal, owe, owed, waive""")
PRICES = words("""price, prices, priced, pricing, discount, discounts, coupon, promo code, voucher, how much, per seat,
    per user, cheaper, proration, prorated, credits, service credit, paid seats, surcharge, fee, fees, annual plan,
    monthly plan, annual billing, currency, exchange rate, rate, quote, refundable, nonprofit programme""")
LEAVING = words("""cancel, cancelled, cancelling, canceling, cancellation, terminate, termination, renew, renewing,
    renewal, trial, subscription, contract, account, quit, goodbye, leaving, downgrade, delete our,
    delete the workspace, close our, close the workspace, deactivate, to free, free tier, free version, free plan,
    let me out""")
CREDENTIALS = words("""log in, login, logins, logging in, logged in, signed in, signing in, sign in, sign-in, username,
    password, passwords, passcode, credentials, 2fa, two-step, two-factor, authenticator, verification, verify,
    backup codes, recovery, the code, codes, sms code, new phone, reset link, reset mail, reset email, magic link, sso,
    saml, scim, okta, azure ad, entra, identity, captcha, fingerprint, face id, provisioned, security key,
    confirmation link, session""")
ENTRY = CREDENTIALS + words("""logged out, signed out, code, locked, blocked, unblock, owner, ownership, admin,
    let me in, get in, access, permission, invitation, device, deactivated, security, hacked""")
MONEY = PAPERS + PAYMENTS + PRICES + words("cost, costs, credit, credited, seats, euros, dollars, money, bank, finance")
MATTERS = MONEY + LEAVING + ENTRY

# --- billing

papers = keywords(
    "papers",
    PAPERS,
    label="billing",
    unless=[*GOING, *SETTLED, "bill of materials", "locked out", "log in"],
    examples=[("Please send the December bill.", "billing"), ("Close our account before the next invoice.", None)],
)
payments = keywords(
    "payments",
    PAYMENTS,
    label="billing",
    unless=[*GOING, *SETTLED, *ENTRY, *words("client pays, clients pay, paid plan, free, no further payments, how do")],
    examples=[("You charged me twice in May", "billing"), ("I paid, and now I need the reset link", None)],
)
prices = keywords(
    "prices",
    PRICES,
    label="billing",
    unless=[*GOING, *SETTLED, *ENTRY],
    examples=[("Do you do discounts for charities?", "billing"), ("What is the price of leaving? Cancel it", None)],
)
money_or_card = regex(
    "money_or_card",
    r"[$€£¥] ?\d|\d ?[$€£]|\b\d+[.,]\d\d(?:[^.:,\d]|$)|"
    + one_of(r"""\d+ ?(?:usd|eur|gbp|chf|aud|cad|euros?|dol+ars?|bucks|pounds|francs|cents), visa, mastercard, iban,
        (?:charged|took|taken|debited|paid|refund|reverse|owe) (?:me |us )?\d+,
        (?:credit|debit|bank|virtual|company|personal|expired|saved) (?:card|account),
        card (?:on file|details|declined|expired|ending|statement|number|was charged),
        (?:my|our|his|her|\w+'s) (?:old |new )?card (?:is|was|has|expired)"""),
    label="billing",
    case=False,
    examples=[("Why 41.99 on March 8?", "billing"), ("My card expired", "billing"), ("Version 5.18.2 is out", None)],
)

# --- cancellation

cancel_now = regex(
    "cancel_now",
    r"(?:^|[.,;:!?] |\b(?:please|kindly|pls|plz|to|we|i|i'm|hereby|just|then|and|can i|how do i) )"
    r"(?:cancel|cancell?ing|terminate)\b|\bcancel\W*$|"
    + one_of("""cancel (?:it|this|us|me|everything|before|plan|subscription|anytime), how do i quit,
        cancel (?:my|our|the) (?:plan|sub|subscription|trial|account|contract), unsubscribe (?:me|us)"""),
    label="cancellation",
    case=False,
    examples=[("we switched. cancel. thanks", "cancellation"), ("Cancelled events stay on my board", None)],
)
END = words("""close, closed, closing, delete, deleting, deletion, end, ended, ending, terminate, shut, kill, nuke,
    axe, erase, wipe, purge, stop, discontinue, dissolve, deactivate, remove, cancel, leave""")
CONTRACT = words("""account, workspace, subscription, plan, membership, licences, licenses, tenant, contract,
    agreement, trial, renewal, profile, us""")
ENDED = words("closed, ended, deleted, deletion, dissolved, closure, termination, cancelled, canceled, end, offline")
LINKS = ["should", "must", "to", "be"]
end_contract = spacy_tokens(
    "end_contract",
    [
        [{"LOWER": {"IN": END}}, {"IS_ALPHA": True, "OP": "{0,3}"}, {"LOWER": {"IN": CONTRACT}}],
        [{"LOWER": {"IN": CONTRACT}}, {"LOWER": {"IN": LINKS}, "OP": "{0,2}"}, {"LOWER": {"IN": ENDED}}],
    ],
    label="cancellation",
    examples=[("Please shut down the old workspace", "cancellation"), ("Close the card when it is merged", None)],
)
not_renewing = regex(
    "not_renewing",
    near(
        "stop, not, no, don'?t, won'?t, never, without, nor, before, decided against, turn off, avoid, isn'?t, aren'?t",
        """(?:auto-?)?renew(?:s|ed|ing|al)?, extend(?:ed|ing)?, continu(?:e|ed|ing), converts?, roll over, buying,
        another (?:year|term), (?:charge|bill) us, becom(?:e|es|ing) paid, make it paid""",
    )
    + "|"
    + near("trial, test phase, test period", "not, no, don'?t, won'?t, isn'?t, doesn'?t, ended, stop, over, was fun")
    + "|"
    + one_of("downgrade, downgrading, no paid plan, (?:back|down|drop|over|on|return) ?to (?:the |your )?free"),
    label="cancellation",
    case=False,
    examples=[("We won't be renewing this year", "cancellation"), ("Take us back to Free", "cancellation")],
)
moving_on = keywords(
    "moving_on",
    words("""moving on, move on, moved on, goodbye, farewell, we're leaving, i'm leaving, we switched, we've switched,
        have switched, switching to, moved back to, going back to, gone back to, went back to, we're off, part ways,
        we're out, i'm out, step out, i'm done, we're done, im done, done with, finished with, another vendor,
        another provider, another tool, went with, with someone else, no longer need, no longer use, don't need it,
        dont need, won't need, wont need, not needed, no use for, no need for, wind down, wind up, closing down,
        shutting down, out of business, bankrupt, ceased, not buying, not for us, not for me, give up, fed up,
        had enough, ditching, notice period, get out of, let me out, we'll pass, end date, has ended, is over,
        take us off, take me off"""),
    label="cancellation",
    unless=[*ENTRY, "invoice", "refund", "how do", "how should", "where"],
    examples=[("We've gone back to e-mail", "cancellation"), ("Where is the end date field?", None)],
)
# --- onboarding

how_to = keywords(
    "how_to",
    words("""how do i, how do you, how do we, how do others, how can i, how can we, how would i, how should i,
        how should we, how to, how does, how is, how are, how's, what's the trick, best way, right way, proper way,
        easiest way, recommended way, teach me, teach us, show me, explain, tell me how, walk me through,
        help me understand, help me pick, help me choose, need help, any tips, any advice, tips, guidance, advice,
        newbie, beginner, novice, step by step"""),
    label="onboarding",
    unless=[*MATTERS, *words("crash, crashes, error, bug, broken, feature, let us, fix, possible that, rather")],
    examples=[("pls can u tell me how do i add picture", "onboarding"), ("How do I pay?", None)],
)
where_is = keywords(
    "where_is",
    words("""where is, where's, wheres, where are, where do, where does, where can, where to, where would,
        where should, which setting, which menu, which page, which view, which button, which of, which guide,
        which part, which one, which field, what setting, can't find, cannot find, haven't found, i overlooked,
        supposed to, meant for, intended for, is there a list, is there a page, is there a guide,
        is there a video"""),
    label="onboarding",
    unless=[*MATTERS, *words("error, gone, lost, went, should be able, click")],
    examples=[("wheres the undo arrow", "onboarding"), ("Where is my refund?", None)],
)
newcomer = keywords(
    "newcomer",
    words("""first board, first import, first project, first set-up, first setup, first day, first time, new here,
        new to, setting up, set up, set-up, setup, getting started, get started, just started, start with, tutorial,
        tutorials, webinar, training, the tour, help centre, help center, the guide, your guide, your video,
        onboarding, migrate, migrating, import our, bring in, moving from, moved over, spreadsheet, notebook, trello,
        asana, old program, old tool, the pilot, from scratch, rollout, signed up, no idea what, never used, day one,
        difference between, what does, what is a, versus"""),
    label="onboarding",
    unless=[*MATTERS, *words("error, crash, crashes, broken, let us, could you add, would be, fix")],
    examples=[("need help w first setup pls", "onboarding"), ("The first import crashes", None)],
)


@preprocessor(memo=True)
def product_talk(row: Any) -> dict[str, str]:
    """Give the text in lower case where it is about the product alone: no money, no leaving, no getting in."""
    low = row.text.lower().replace("\u2019", "'")
    return {"product": "" if _MATTER.search(low) else low}


_MATTER = re.compile(one_of(", ".join(MATTERS)) + "|[$€£]")
_NEGATED = "does ?n'?t, do ?n'?t, won'?t, can'?t, cannot, never, no longer, stops?, stopped, keeps, isn'?t, aren'?t"
_DOING = r"(?:work|open|load|sav|show|appear|sync|upload|display|updat|print|respond|clos|arriv|stop|fail|crash)\w*"
_FAULT = re.compile(
    near(_NEGATED, _DOING, gap=12)
    + "|"
    + one_of(r"""(?:crash|freez|vanish|disappear|evaporat|duplicat|shuffl|scrambl|flicker|overwr|garbl|glitch)\w*,
        errors?, bugs?, buggy, broken, broke, breaks, lost, gone, dead, wrong, slow, empty, blank, undefined, nan,
        stuck, fails, failed, failing, fix, repair, jumps, eats, swallows, loses, stopped, nothing happens, since the,
        used to, half the, doubled, twice, forever, mixed up""")
)
_WISH = finder("""let (?:me|us|people|a), would (?:be|it|love|like|help|save|spare),
    could (?:you|we|the|there|it|a|our), can we (?:have|get), (?:please|pls) (?:add|make|allow),
    should (?:be|have|keep|also|exist), wish, features?, roadmap, coming, (?:what|how) about, option, support for,
    instead of, rather, i'd, we'd""")


@labeling_function(preprocessors=[product_talk], examples=[("Can I put a video in a doc?", "onboarding")])
def plain_question(row: Any) -> str | None:
    """Take a question that neither complains nor wishes as a question on how the product is used."""
    text = row.product
    return "onboarding" if "?" in text and not _FAULT.search(text) and not _WISH.search(text) else None


# --- bug_report


@labeling_function(preprocessors=[product_talk], examples=[("attachments wont open on ipad", "bug_report")])
def misbehaves(row: Any) -> str | None:
    """Take words of fault, without a question or a wish, as a bug."""
    text = row.product
    return "bug_report" if "?" not in text and _FAULT.search(text) and not _WISH.search(text) else None


_PART = finder("""boards?, cards?, timeline, calendar, sync, exports?, imports?, api, webhooks?, bot, app, docs?,
    editor, charts?, dashboard, filters?, forms?, portal, menus?, cursor, fonts?, attachments?, notifications?,
    reminders, integration, preview, search, timer, totals, dates, lists?, history, automations?, rule, field, button,
    links?, undo, uploads?, files?, reports?, tab, page, columns?, template, comments, text, images?, table, csv, pdf,
    screen, tasks, site, translation""")
_STATE = finder("""is, are, was, were, has, have, goes, gets, shows, keeps, opens, prints, comes, says, reads, moves,
    starts, doesn't, isn't, aren't""")
_NEED = finder("""needs?, wants?, let, please, pls, maybe, per, more, only, each of, own, make, add, could, would,
    should, might, at present, like""")


@labeling_function(preprocessors=[product_talk], examples=[("The chart reads 'No data'.", "bug_report")])
def plain_statement(row: Any) -> str | None:
    """Take a statement on a part of the product, without question, wish or need, as the account of a bug."""
    text = row.product
    states = "?" not in text and _PART.search(text) and _STATE.search(text)
    return "bug_report" if states and not _NEED.search(text) and not _WISH.search(text) else None


# --- feature_request

_CHANGE = re.compile(
    r"(?:^|[.!?,;:]\s+|\b(?:just|and|then)\s)(?:please |pls )?(?:let|allow) (?:me|us|a|people|the|guests|users|\d)\b"
    r"|^(?:add|make|rename|allow|support|bring|move|hide|sort|group|wrap|show|keep|pin|mark|put)\b(?! me)|"
    + one_of(r"""(?:please|pls|plz) (?:add|make|let|allow|build|support|bring|offer|consider|give us),
        (?:could|would|can) (?:you|u) (?:please )?(?:add|make|build|offer|support|allow|consider|introduce),
        (?:can|could) (?:we|i) (?:have|get), (?:what|how) about, any (?:plans|chance), make it (?:possible|easier|\d),
        (?:could|might|may) (?:the|a|an|forms?|cards?|boards?|automations?|there),
        is (?:that|this|it) (?:planned|coming),
        (?:a|the|one) (?:button|toggle|switch|setting|mode|option|field|column|view|limit) (?:to|that|which|for),
        (?:should|ought to) (?:count|keep|have|also|exist|start|remember|ask|warn|tell|stay|be able|never|show)""")
)
_PLEASE = re.compile(r"^(?![^.?!]*\b(?:fix|stop)\b).*\w,? (?:please|pls|plz)\W*$")
_LESSON = finder("""where, how (?!about), help, teach, explain, tips?, tutorial, guide, send, delete,
    (?:it|me|this|us) (?:please|pls)""")


@labeling_function(preprocessors=[product_talk], examples=[("let 2 cards swap dates!!", "feature_request")])
def asks_for_change(row: Any) -> str | None:
    """Take a request to let, add, make or allow something as a feature request."""
    change = _CHANGE.search(row.product) or _PLEASE.search(row.product)
    return "feature_request" if change and not _LESSON.search(row.product) else None


nice_if = keywords(
    "nice_if",
    words("""would be nice, would be great, would be lovely, would be handy, would be useful, would be helpful,
        would be cool, be handy if, would help, would save, would spare, be possible to, wish list, wishlist, i wish,
        feature request, feature, features, roadmap, suggestion, i'd love, we'd love, would love, one click, shortcut,
        ability to, option to, option for, support for, are you planning, do you plan, any plans, customise,
        configurable, optional, dark mode, in bulk, per board, per person, i'm missing, i'd prefer, i'd rather,
        we'd rather, imagine, doesn't exist, no way to, isn't possible, at present, why can't, i need a, we need a,
        i'd need, we'd need, currently, bigger, searchable"""),
    label="feature_request",
    unless=[*MATTERS, *words("how do i, where, bug, broken, crash, crashes, fix, which, teach, explain, first import")],
    examples=[("It would be great to see hours per skill", "feature_request"), ("I'd love a refund", None)],
)
_VERB = finder(r"""is, are, was, were, am, i'm, isn'?t, does, do, has, have, had, doesn'?t, can, can'?t, cannot,
    won'?t, don'?t, not, no, gone, fails?, please, pls, plz, help, my, our, i, since, again, why, how, where, what,
    which, when, who, keeps?, me, us, we, you, your, expired, never, nothing, thanks, \w+s the, goes, gets, shows,
    replies, sent, missing, left, invalid, says, half, teach, tips, explain, versus, vs, first, hello, hi""")
_LINK = finder("""in, for, on, with, without, like, by, from, to, as, per, of, below, above, between, mode, view,
    shortcuts?, layout, icon, templates?""")


@labeling_function(
    preprocessors=[product_talk], examples=[("Voice notes on cards", "feature_request"), ("Cursor is gone", None)]
)
def bare_wish(row: Any) -> str | None:
    """Take a short phrase without a verb, like the title of an idea, as a feature request."""
    text = row.product
    title = 2 <= len(text.split()) <= 10 and _LINK.search(text) and not re.search("[=?]", text)
    return "feature_request" if title and not _VERB.search(text) and not _FAULT.search(text) else None


# --- account_access

credentials = keywords(
    "credentials",
    CREDENTIALS,
    label="account_access",
    unless=[*GOING, *SETTLED, *words("invoice, charged, cost, paying, login page, discount code, qr code, cheers")],
    examples=[("2fa code invalid invalid invalid", "account_access"), ("What does SSO cost?", None)],
)
shut_out = regex(
    "shut_out",
    one_of(r"""lock(?:ed)? ?(?:me |us |him |her )?out, lockouts?, locked, unlock, unblock, blocked, blocks? me,
        disabled, reactivate, deactivated, let (?:me|us|her|him|them|our \w+) (?:back )?in, shut out,
        removed (?:me|by), rejected, (?:be let|get|got|getting|come) (?:me |us )?(?:back )?in(?:to)?,
        can'?t (?:get|log|sign|enter|access|reach), not accepted, not recogni[sz]ed, denied, won'?t let (?:me|us),
        invalid (?:code|credentials|login), signed out, logged out, throws? (?:me|us) out, expired link,
        link (?:is |has )?expired, wasn'?t me, hacked, stolen, phishing, (?:unknown|new|strange|other) device,
        (?:login|sign-in) from, intruder, compromised"""),
    label="account_access",
    case=False,
    examples=[("Locked out since this morning", "account_access"), ("Unknown device, wasn't me", "account_access")],
)
who_may_enter = regex(
    "who_may_enter",
    one_of("""permission denied, ac+ess (?:to|again|denied|request|rights), request(?:ed)? ac+ess, no access,
        admin rights, give (?:me|us|her|him) access, make (?:me|her|him) (?:an )?(?:admin|owner),
        admin (?:again|left|says), ownership, (?:new|old|former|previous|the|our|workspace) owner,
        owner (?:left|is|has|vanished|of|being), not a member, add(?:ed)? me, invited me,
        (?:invite|invitation|link) (?:says|expired|was), guest pass, who is admin, my user,
        take over (?:the|our|her|his), (?:my|another) admin, (?:wrong|old) (?:e-?mail|address),
        left the (?:company|firm|school|team)"""),
    label="account_access",
    case=False,
    examples=[("Owner vanished, need new owner", "account_access"), ("A column for the owning team", None)],
)

# --- what is asked for, last of all

_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_ASKING = finder("""please, pls, plz, kindly, (?:can|could|would|will) you, need, want, wish, like, let (?:me|us),
    how do, help, send, give, make, add, fix, stop, close, cancel, end, tell, explain, show, reset, unlock, confirm,
    refund, delete""")
_WANTED = {
    "cancellation": finder(r"""cancel\w*, renew\w*, downgrad\w+, to free, unsubscribe, wind up, take (?:us|me) off,
        (?:clos|delet|terminat|end|eras|wip|shut)(?:e|ing)? (?:\w+ )?(?:it|us|my|our|the|this|account|workspace),
        end date, account deletion, stop (?:it|the trial|the plan|the sub\w*)"""),
    "billing": finder(r"""invoices?, receipts?, refund\w*, charg(?:e|ed|es), pay, paid, payments?, prices?, pricing,
        costs?, discounts?, vat, tax, bills?, billed, billing, credit\w*, debit, owe, amounts?, fees?, seats?, quote,
        money back, per (?:seat|user), statement, iban, po, euros?, dollars?"""),
    "account_access": finder(r"""password, log(?:ged|ging)?[ -]?in, sign(?:ed|ing)?[ -]?in, 2fa, sso, codes?,
        unlock\w*, unblock\w*, locked, blocked, let (?:me|us|her|him|them)(?: back)? in, admin, owner(?:ship)?, access,
        get (?:me |us |back )*in(?:to)?, permission, add me, invitation, open it, reactivate, verif\w*,
        reset (?:mail|link|my)"""),
}


@preprocessor(memo=True)
def request(row: Any) -> dict[str, str]:
    """Give the last sentence that asks for something, in lower case."""
    low = row.text.lower().replace("\u2019", "'")
    asking = [sentence for sentence in _SENTENCE.split(low) if "?" in sentence or _ASKING.search(sentence)]
    return {"request": asking[-1] if asking else ""}


@labeling_function(preprocessors=[request], examples=[("I logged in. Please resend the bill.", "billing")])
def last_request(row: Any) -> str | None:
    """Vote for the matter that the last request names: leaving before all else, the others if they stand alone."""
    named = [label for label, pattern in _WANTED.items() if pattern.search(row.request)]
    return named[0] if named[:1] == ["cancellation"] or len(named) == 1 else None
