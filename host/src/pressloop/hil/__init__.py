"""Tests a controller with its press from pytest (hardware in the loop).

`plugin` is what pytest loads wherever Pressloop is installed; it adds three options and does
nothing else until `--pressloop-board` names a board. Then `fixtures` brings the fixtures, `boards`
opens the board, `bench` says what can be done to it and `emulated_bench` does it to an emulated
one, `needs` names what a case can need of that, and `wiring` has the numbers of the press on the
bench. A case waits with `watching`, talks below the SDK with `rawlink`, and `wiretap` logs every
byte.
"""
