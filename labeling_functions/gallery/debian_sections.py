"""Labeling functions for Debian packages: ten of the archive's sections, from the description alone.

How it was written. Only packages whose SHA-256 of the name is 0 modulo 5 were looked at; the other four fifths are for
measuring (benchmarks/debian_packages.py). The package's name is the id and no rule sees it, as "-dev", "python3-" or
"fonts-" in a name would give the section away. A text is the short description, a line break, the long description: the
maintainers say what a package is in the first line, and often once more in the last sentence ("This package contains
..."), so rules look there first, and at the subject second. Packages of other sections have no gold.
"""

from __future__ import annotations

import re
from typing import Any

from weaksup.labeling_functions import keywords, labeling_function, preprocessor, regex
from weaksup.labels import LabelSpace

LABELS = LabelSpace(
    {
        "admin": "managing a machine: users, disks, boot, logs, back-ups, clusters, packages, virtual machines",
        "doc": "documentation, manuals, examples and tutorials, as a package of their own",
        "fonts": "typefaces and what installs them",
        "games": "games, their engines, data, emulators and toys",
        "libdevel": "headers, static libraries and whatever else is needed to compile against a library",
        "net": "programs that speak over a network: servers, clients, routing, sniffing, VPN, chat",
        "perl": "modules for the Perl language",
        "python": "modules for the Python language",
        "science": "tools of the sciences: biology, chemistry, physics, astronomy, geography, statistics, robots",
        "sound": "audio: players, editors, synthesizers, MIDI, effects, sound servers",
    },
    guideline="The kind of package (doc, libdevel, a language's module) goes before its subject (science, sound, net).",
)


def words(text: str) -> list[str]:
    """Split a comma-separated list."""
    return [" ".join(word.split()) for word in text.split(",")]


def first_line(pattern: str) -> str:
    """Return a pattern that is looked for in the short description only."""
    return rf"^[^\n]*(?:{pattern})"


def one_of(text: str) -> str:
    """Return a pattern for any of the comma-separated patterns, at the beginning of a word."""
    return rf"\b(?:{'|'.join(words(text))})"


# --- the kind of package

doc_in_title = regex(
    "doc_in_title",
    first_line(
        one_of("""documentation, manual, docs?\\b, handbook, tutorials?, howto, faq\\b, book\\b,
            (?:users?'?s?|reference|programmer'?s?|installation) guide""")
    ),
    label="doc",
    case=False,
    examples=[("documentation for ns3\nns-3 is a simulator", "doc"), ("trace queries\nsee the documentation", None)],
)
contains_docs = regex(
    "contains_docs",
    r"(?:contains?|provides?|includes?|ships|is) (?:the |some |all |additional |common |api |html |developer |user )*"
    r"(?:[\w+.-]+ ){0,3}(?:documentation|manuals?|user guide|tutorial|examples?|docs)\b",
    label="doc",
    case=False,
    examples=[("foo\nThis package contains the documentation.", "doc"), ("foo\nwell documented", None)],
)
dev_in_title = regex(
    "dev_in_title",
    first_line(r"\bdevelopment\b|\bheaders?\b|\bstatic lib|\bdevel\b|\bdevelopers? files|\(dev\)"),
    label="libdevel",
    case=False,
    examples=[("development files for the rhythmbox music player", "libdevel"), ("a game of patience", None)],
)
compile_against = regex(
    "compile_against",
    one_of("""header files?, headers\\b, static librar, static version, include files, pkg-config,
        development (?:files|headers|librar|package), needed (?:to|for) (?:compil|develop|build),
        (?:compile|develop|build|link) (?:programs|applications|software|against),
        developing (?:programs|applications)"""),
    label="libdevel",
    case=False,
    examples=[("foo\nThis package contains the header files.", "libdevel"), ("foo\nreads mail", None)],
)
perl_in_title = regex(
    "perl_in_title",
    first_line(r"\b[Pp]erl\b|\w::\w"),
    label="perl",
    examples=[("Perl module to create HTML", "perl"), ("a tool\nwritten in Perl", None)],
)
perl_anywhere = regex(
    "perl_anywhere",
    r"\b[Pp]erl\d?\b|\bCPAN\b|\b[A-Z][A-Za-z0-9]+::[A-Z]\w+",
    label="perl",
    examples=[("foo\nDist::Zilla::Plugin is a test", "perl"), ("foo\nwritten in C", None)],
)
python_in_title = regex(
    "python_in_title",
    first_line(r"\bpython ?[23]?\b|\bdjango\b|\bpy[23]\b"),
    label="python",
    case=False,
    examples=[("Python3 bindings for CUPS", "python"), ("a tool\nwritten in Python", None)],
)
python_module = regex(
    "python_module",
    r"\bpython ?[23]?(?:\.x)? (?:module|librar|package|version|binding|interface|extension|implementation|client"
    r"|wrapper|api|framework)|\bfor python ?3|\(python ?3\)|\b(?:installs|contains|provides) the (?:\w+ ){0,4}python",
    label="python",
    case=False,
    examples=[("foo\nThis package installs the library for Python 3.", "python"), ("foo\nwritten in Python", None)],
)

# --- the subject, where the text names no such kind

KINDS = words("""documentation, development files, development package, header files, headers, static library,
    static libraries, python, python3, perl, ruby, haskell, java, golang, rust, node.js, ocaml, common lisp,
    r package""")


@preprocessor(memo=True)
def subject(row: Any) -> dict[str, str]:
    """Give the short description in lower case, or nothing where the text names the kind of package."""
    low = row.text.lower()
    return {"title": "" if _KIND.search(low) else low.partition("\n")[0]}


_KIND = re.compile(one_of(", ".join(KINDS)) + r"|\w::\w")
_TITLES = {
    "games": re.compile(
        one_of("""games?\\b, puzzle, arcade, shooter, chess\\b, minetest, emulator, roguelike, tetris, adventure,
            platformer, strategy, rpg\\b, solitaire, doom\\b, quake, racing, jokes?""")
    ),
    "science": re.compile(
        one_of("""molec, protein, dna\\b, rna\\b, genom, sequenc, phylogen, bioinformat, biolog, chemi, crystal,
            quantum, physic, astronom, telescope, geograph, gis\\b, qgis, grass, simulat, scientific, statistic,
            numerical, finite element, mesh, climate, meteorolog, spectr, neuro, medical, dicom, microscop, robot,
            ros\\b, indi\\b, fits\\b, monte carlo, machine translation, apertium, map\\b, population, alignment,
            reads?\\b, variant""")
    ),
    "net": re.compile(
        one_of("""network, internet, tcp, ip\\b, ipv6, dns, dhcp, vpn, ssh\\b, ftp, sip\\b, irc\\b, jabber, xmpp,
            wireless, wi-?fi, wlan, proxy, router, routing, firewall, packet, bgp, snmp, ldap, nfs\\b, smb, cifs, rpc,
            peer, torrent, chat\\b, messag, voip, ppp, radius, modem, socks, telnet, vnc, remote desktop, telephony,
            openstack, mqtt, tor\\b, download, bittorrent, rss\\b, port scan, kamailio, asterisk""")
    ),
    "sound": re.compile(
        one_of("""audio, sound, music, midi\\b, alsa, jack\\b, pulseaudio, pipewire, synth, mp3, ogg, flac, lv2,
            ladspa, guitar, drum, mixer, reverb, equali[sz]er, pd\\b, pure ?data, podcast, speech, voice, piano,
            cd ripper, mpd\\b, supercollider, csound, scrobbl""")
    ),
    "admin": re.compile(
        one_of("""admin, system\\b, backup, cluster, logs?\\b, logging, syslog, monitor, disk, partition, virtuali,
            boot, grub, kernel, cron\\b, installer, apt\\b, dpkg, deploy, puppet, ansible, raid, lvm, file ?systems?,
            storage, container, pam\\b, user account, audit, acpi, hardware, device, systemd, init\\b, high.availab,
            resource, configuration, firmware, cpu, upgrade, udev, multi-?path, bacula, passwd, sudo, debian""")
    ),
}


@labeling_function(
    preprocessors=[subject],
    examples=[
        ("trace DNS queries to the source\nfoo", "net"),
        ("Virtual MIDI Piano Keyboard", "sound"),
        ("multiple sequence alignment of proteins", "science"),
        ("creates partitions on disks", "admin"),
        ("a chess game", "games"),
        ("audio for a game", None),
        ("Perl module for DNS", None),
    ],
)
def subject_in_title(row: Any) -> str | None:
    """Vote for the subject that the short description names, if it names one only."""
    named = [label for label, pattern in _TITLES.items() if pattern.search(row.title)]
    return named[0] if len(named) == 1 else None


font_in_title = regex(
    "font_in_title",
    first_line(r"\bfonts?\b|\btypeface"),
    label="fonts",
    case=False,
    examples=[("OpenSymbol TrueType font", "fonts"), ("a tool\nfor fonts", None)],
)
font_words = keywords(
    "font_words",
    words("""font, fonts, typeface, typefaces, truetype, opentype, glyphs, serif, sans-serif, monospaced, font family,
        webfont, bitmap fonts"""),
    label="fonts",
    unless=[*KINDS, *words("library, editor, viewer, convert, tools, tool, program")],
    examples=[("modern Greek font family", "fonts"), ("font editor for X", None)],
)
game_words = keywords(
    "game_words",
    words("""game, games, gameplay, players, enemies, monsters, multiplayer, single-player, single player, opponents,
        dungeon, quake, doom, minetest, wesnoth, puzzles, puzzle, spaceship, weapons, joystick, high score,
        nethack"""),
    label="games",
    unless=[*KINDS, *words("audio, sound, music, video player, media player, mp3, network")],
    examples=[("foo\nThe players must shoot enemies.", "games"), ("foo\naudio for games", None)],
)
science_words = keywords(
    "science_words",
    words("""bioinformatics, molecular, genome, genomes, genomic, protein, proteins, dna, rna, nucleotide,
        phylogenetic, sequencing, chemistry, physics, astronomy, astronomical, astrophysics, telescope, geographic,
        geospatial, geoscience, meteorological, scientific, scientists, biology, biological, crystallography, quantum,
        simulation, simulations, particle, spectroscopy, neuroscience, neuroimaging, medical imaging, epidemiology,
        robotics, robot, species, gene, genes, finite element, machine translation, speech recognition, linguistics,
        machine learning, neural, computational"""),
    label="science",
    unless=[*KINDS, "game"],
    examples=[("foo\nIt aligns DNA reads", "science"), ("foo\nheaders for DNA", None)],
)
net_words = keywords(
    "net_words",
    words("""tcp, udp, ip, ipv4, ipv6, dns, dhcp, vpn, ssh, ftp, sip, irc, xmpp, jabber, wireless, wifi, proxy, router,
        routing, firewall, packets, bgp, snmp, ldap, nfs, voip, bittorrent, network traffic, network interfaces,
        network interface, peers, hostname, tunnel, tunnels, bandwidth, sockets, http server, remote hosts, openstack,
        telephony, kerberos"""),
    label="net",
    unless=KINDS,
    examples=[("foo\nIt sends UDP packets", "net"), ("foo\nPerl module for TCP", None)],
)
sound_words = keywords(
    "sound_words",
    words("""audio, sound, music, midi, alsa, jack, pulseaudio, synthesizer, synthesizers, mp3, flac, vorbis, lv2,
        ladspa, dssi, vst, reverb, playback, tracks, songs, loudness, waveform, pure data, puredata, pd, sequencer,
        soundfonts, soundfont, instrument, instruments, audio files, musician, musicians, playlist"""),
    label="sound",
    unless=[*KINDS, *words("game, games, network, font, fonts")],
    examples=[("foo\nA reverb for instruments", "sound"), ("foo\nPerl module for sound", None)],
)
admin_words = keywords(
    "admin_words",
    words("""administrator, administrators, system administrator, sysadmin, system administration, backup, backups,
        cron, syslog, log files, logfiles, partition, partitions, disks, raid, lvm, filesystem, virtualization,
        virtual machines, hypervisor, containers, cluster, clusters, boot, bootloader, initramfs, initrd, init,
        systemd, pam, user accounts, apt, dpkg, debian package, package management, deployment, provisioning,
        configuration management, monitoring, resource usage, cpu usage, hardware, udev, upgrades, kernel module"""),
    label="admin",
    unless=[*KINDS, *words("network, game, games, font, fonts, music, audio")],
    examples=[("foo\nlets administrators manage disks", "admin"), ("foo\nheaders for disks", None)],
)
