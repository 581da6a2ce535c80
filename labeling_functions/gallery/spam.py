"""Labeling functions for spam: text messages of the 2000s, and comments below music videos.

How it was written. The `train` splits of the SMS Spam Collection (Almeida, Hidalgo, Yamakami, 2011) and of YouTube Spam
(Alberto, Lochter, Almeida, 2015) were read, no other split. Spam wants something done: call, text, click, subscribe;
most rules look for the deed, its bait or its price. Ham has no words of its own: its rules take talk between people,
and praise of a song, where nothing stands that an advertiser would write (`plain`).
"""

from __future__ import annotations

import re
from typing import Any

from weaksup.labeling_functions import keywords, labeling_function, preprocessor, regex
from weaksup.labels import LabelSpace

LABELS = LabelSpace(
    {
        "HAM": "a message to somebody the writer knows, or a comment on the video itself",
        "SPAM": "advertises, sells, asks for clicks, votes or subscribers, or baits with a prize",
    },
    guideline="SPAM is what is sent to many for the sender's gain; rude, silly or short is still HAM.",
)


def words(text: str) -> list[str]:
    """Split a comma-separated list."""
    return [" ".join(word.split()) for word in text.split(",")]


def one_of(text: str) -> str:
    """Return a pattern for any of the comma-separated patterns, as whole words."""
    return rf"\b(?:{'|'.join(words(text))})\b"


# --- SPAM

prize = keywords(
    "prize",
    words("""won, winner, winners, prize, prizes, award, awarded, jackpot, claim, toclaim, draw, guaranteed, bonus,
        reward, voucher, vouchers, lottery, lucky, gift card, specially selected, been selected, are selected,
        congratulations, congrats, to win, can win, competition, raffle"""),
    label="SPAM",
    unless=words("lol, haha, won't, we won, they won, he won, she won, i won"),
    examples=[("You have WON a guaranteed prize", "SPAM"), ("lol they won the match", None)],
)
premium_number = regex(
    "premium_number",
    r"\b(?:0[789]\d{2}|\+?44\d{2}) ?\d{2,3} ?\d{3,}|\b(?:call|dial|ring|phone|tel)\b.{0,15}\b0?\d{4,}|\b\d{10,12}\b",
    label="SPAM",
    case=False,
    examples=[("call 08712300220 now", "SPAM"), ("call me at 5", None)],
)
short_code = regex(
    "short_code",
    r"\b(?:txt|text|reply|send|sms)\b.{0,40}\b(?:to|2)\b.{0,12}\b\d{4,6}\b|\bto (?:no:? ?)?\d{5}\b"
    r"|\b(?:txt|text) the word\b",
    label="SPAM",
    case=False,
    examples=[("Txt WIN to 80086", "SPAM"), ("text me when you get to the office", None)],
)
has_a_price = regex(
    "has_a_price",
    r"\d+ ?p(?:pm|/| per| a)|[£$€]\d|\?\?\d|\?\d{2,}|\d(?:gbp|£|\$)|\bp/(?:min|msg)|"
    + one_of(
        r"\d{2,3}p, per (?:min|minute|msg|message|wk|week), (?:std|standard|national|network)\S* (?:rate|txt|chg)s?"
    ),
    label="SPAM",
    case=False,
    examples=[("only 10p per min", "SPAM"), ("ok c u at 10 pm", None)],
)
small_print = regex(
    "small_print",
    r"\bstop[?!]|\b1[68] ?\+|"
    + one_of(r"""t&?s?&?c'?s?, terms (?:and|&).*, opt(?:-| )?out, unsub\w*, stop to, txt stop, send stop, po ?box ?\w*,
        box ?\d+, 1[68] ?(?:yrs|or over), cust(?:omer)? ?(?:care|service|services), helpline, helpdesk, ltd,
        subscription, subscriber"""),
    label="SPAM",
    case=False,
    examples=[("T&C apply. 18+ Stop? txt stop", "SPAM"), ("stop it you", None)],
)
free_offer = regex(
    "free_offer",
    r"\bfree ?(?:msg|message|entry|ring|tone|phone|mobile|call|text|txt|gift|game|min|trial|download|sms|2day|pic)|"
    + one_of(r"""for free, (?:4|get|absolutely|completely) free, half price, discounts?,
        (?:best|special|new|this weeks?|today'?s) (?:offer|deal)s?,
        (?:buy|sale|offer|cheap|save)\b.*\b(?:now|today|off)"""),
    label="SPAM",
    case=False,
    examples=[("FREE entry in our weekly comp", "SPAM"), ("are you free tonight?", None)],
)
phone_goods = keywords(
    "phone_goods",
    words("""ringtone, ringtones, polyphonic, tones, nokia, camcorder, camera phone, cameraphone, latest phone,
        motorola, ipod, sony, line rental, orange, vodafone, o2, videophone, videophones, handset, logo, logos,
        wallpaper, unlimited, auction, voicemail, new message, network, upgrade"""),
    label="SPAM",
    examples=[("Latest Nokia with unlimited texts", "SPAM"), ("my phone is dead", None)],
)
urgent = keywords(
    "urgent",
    words("""urgent!, urgent !, final attempt, 2nd attempt, 2nd time, trying to contact, tried to contact,
        tried 2 contact, attempt to contact, attempt to reach, private!, important message, account statement, expires,
        un-redeemed, unredeemed, identifier code, limited time, act now, last chance, don't miss, dont miss"""),
    label="SPAM",
    examples=[("URGENT! This is our 2nd attempt to contact U", "SPAM"), ("it is not urgent", None)],
)
flirt_line = keywords(
    "flirt_line",
    words("""horny, dating, fancies you, fancy you, fantasies, fantasy, live chat, xchat, singles, adult, porn,
        hot girls, local girls, xxx pics, xxx video, sexy pic, sexy pics, sexy celeb, filthy, flirt, flirting, admirer,
        webcam, chatlines, video chat, hottest"""),
    label="SPAM",
    examples=[("Hot local girls waiting for a chat", "SPAM"), ("sexy and i know it", None)],
)
link = regex(
    "link",
    r"https?:|\bwww\b|\bhttp|\.(?:com|co\.uk|net|org|biz|info|ly|tv)\b|\bbit\.ly|\bgoo\.gl",
    label="SPAM",
    case=False,
    examples=[("see www.example.com", "SPAM"), ("see you", None)],
)
my_channel = regex(
    "my_channel",
    r"\bsu[bs]s?cs?c?rib|"
    + one_of(r"""(?:my|our) (?:\w+ )?(?:\w+ )?(?:chann?ell?|videos?|vids?|covers?|music|mixtape|website|playlist|page),
        (?:my|our) (?:\w+ )?(?:\w+ )?songs?, visit (?:my|our|us), sub (?:to|me|my|for), subs"""),
    label="SPAM",
    case=False,
    examples=[("pls subscribe to my channel", "SPAM"), ("the best music channel", None)],
)
check_out = regex(
    "check_out",
    one_of("""check(?:ing)? ?out, check (?:this|it|my|our), (?:look|listen|go) (?:at|to) (?:my|our), feel free to,
        (?:please|plz|pls) (?:watch|check|visit|view|vote|like|share), (?:watch|view|like|share) (?:my|our)"""),
    label="SPAM",
    case=False,
    examples=[("CHECK OUT this playlist", "SPAM"), ("check the dishes", None)],
)
wants_followers = regex(
    "wants_followers",
    r"(?:facebook|twitter|soundcloud)\.com|"
    + one_of(r"""on (?:twitter|instagram|soundcloud), follow (?:me|us|my|our), vote (?:for|now), petition, fundrais\w+,
        fan ?base, i'?m (?:a |an )?(?:\w+ )?(?:rapper|singer|producer|songwriter|artist|dj|musician),
        (?:help|want) (?:me |us )?(?:to )?(?:get|reach) \d+"""),
    label="SPAM",
    case=False,
    examples=[("I'm a young rapper, follow me on twitter", "SPAM"), ("he follows her", None)],
)
easy_money = regex(
    "easy_money",
    r"[£?$]\d+ cash|"
    + one_of(r"""(?:make|making|earn|earning) (?:\w+ )?(?:\w+ )?(?:money|cash|dollars|income),
        work(?:ing)? (?:from|at) home, cash (?:prize|award|reward), loans? for, low-cost, homeowners, money online,
        \d+\+? (?:per|a|every) (?:month|day|hour)"""),
    label="SPAM",
    case=False,
    examples=[("make money online from home", "SPAM"), ("i need to get some cash", None)],
)

# --- HAM

_PUSHY = re.compile(
    r"https?:|www|\.com|\.net|\d{4,}|[£$]|\?\?\d|\bchannel|\bsubscri|check|visit|prize|claim|urgent|follow|facebook|\boffer|\bservice|"
    + one_of(r"""sub, free, win, won, txt, vote, my (?:video|song|music|cover), download, share, reply, cash,
        per (?:min|week|msg), sexy?, horny, dating, new message, voicemail, playlist,
        please (?:\w+ )?(?:\w+ )?(?:watch|listen|like|help)""")
)
_TALK = re.compile(
    one_of(r"""i'll, i'm, im, i've, i was, i am, i will, i have, ill, u, ur, ya, lor, lah, leh, dun, wat, haha\w*, lol,
        ok, okay, k, yeah, yup, hey, sorry, gonna, wanna, tmr, tomorrow, tonight, later, home, dinner, lunch, sleep,
        work, class, mum, mom, dad, bro, dude, love you, miss you, let me know, where are, are you, r u, what time,
        come, coming, going, thanks, thx, good morning, good night, how are, he, she, him, her, they, them""")
)
_PRAISE = re.compile(
    one_of(r"""(?:love|loved|loves|like) (?:this|it|the|her|him|that|you|your), songs?, views?, billions?, millions?,
        lyrics, dance,
        (?:best|great|good|awesome|amazing|nice|favou?rite|cool|old) (?:song|video|music|clip|ever|track|singer),
        sing(?:s|ing|er)?, voice, album, katy, perry, eminem, rihanna, shakira, psy, gangnam, lmfao""")
)
_SMILE = re.compile(r"\?|[:;]-?[)(dpo]|<3|&lt;3|\u2665|[\U0001f600-\U0001f64f]|\bxx*\b|\.\.\.")


@preprocessor(memo=True)
def plain(row: Any) -> dict[str, str]:
    """Give the text in lower case, or nothing where it holds what an advertiser would write."""
    low = row.text.lower().replace("\u2019", "'").replace("&#39;", "'").replace("\ufeff", "")
    return {"plain": "" if _PUSHY.search(low) else low}


@labeling_function(preprocessors=[plain], examples=[("sorry i'll call later", "HAM"), ("i'm on www.example.com", None)])
def small_talk(row: Any) -> str | None:
    """Take talk between people as ham."""
    return "HAM" if _TALK.search(row.plain) else None


@labeling_function(preprocessors=[plain], examples=[("The best song ever!", "HAM"), ("Best song on my channel", None)])
def about_the_song(row: Any) -> str | None:
    """Take words on the song, the singer or the number of views as ham."""
    return "HAM" if _PRAISE.search(row.plain) else None


@labeling_function(preprocessors=[plain], examples=[("Loves it", "HAM"), ("Claim it now", None)])
def few_words(row: Any) -> str | None:
    """Take up to twelve plain words as ham: who sells needs more, or a number, or a link."""
    return "HAM" if 0 < len(row.plain.split()) <= 12 else None


@labeling_function(preprocessors=[plain], examples=[("where are you?", "HAM"), ("Want a prize?", None)])
def asks_or_smiles(row: Any) -> str | None:
    """Take a plain question or a smiley as ham."""
    return "HAM" if _SMILE.search(row.plain) else None
