"""Serves the page of a press: what it is doing, its protocols, and its runs, in a browser.

`serve` owns the press and serves the page. One thread (`press_owner`) has the SDK; a hub passes
what it says to every open page, and a page that cannot follow loses old pictures, never new ones.
Needs the extra `web`.
"""
