"""Hostile bytes: what once broke the board, and a small share of `make fuzz`."""

import os

from hostile import TARGETS, attack

SLOW = ("test_a_boot_survives_any_journal",)
_HERE = __file__.rpartition("/")[0] or "."
_CORPUS = _HERE + "/../hostile/corpus/"


def _attacked(name, count):
    found = attack(name, count, 41)
    if found is not None:
        print(found[0])
        raise found[1]


def test_what_once_broke_the_board_breaks_it_no_more():
    for name in TARGETS:
        try:
            files = os.listdir(_CORPUS + name)
        except OSError:
            continue
        target = TARGETS[name]()
        for file in sorted(files):
            with open(_CORPUS + name + "/" + file, "rb") as opened:
                target.take(opened.read())


def test_any_bytes_on_the_line():
    _attacked("lines", 4000)


def test_any_payload_in_a_sound_frame():
    _attacked("requests", 4000)


def test_any_bytes_as_a_message():
    _attacked("maps", 4000)


def test_any_file_as_a_profile():
    _attacked("profiles", 1000)


def test_a_boot_survives_any_journal():
    _attacked("journals", 100)
