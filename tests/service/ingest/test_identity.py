"""Ids name content; the short ways to compute them give what the general one gives."""

import os

from service.ingest import identity


def test_the_short_ways_agree_with_the_general_one() -> None:
    a, b, c, file = os.urandom(16), os.urandom(16), os.urandom(16), os.urandom(32)
    zero = (0).to_bytes(4, "big")
    assert identity.response_id(a, b, None, 0) == identity.content_id(b"response", a, b, b"", zero)
    one = (1).to_bytes(4, "big")
    assert identity.response_id(a, b, "m", 1) == identity.content_id(b"response", a, b, b"m", one)
    place = (7).to_bytes(8, "big") + (2).to_bytes(4, "big")
    assert identity.pair_id(file, 7, 2, a, b) == identity.content_id(b"pair", file, place, a, b)
    both = identity.content_id(b"content", c, *sorted((a, b)))
    assert identity.pair_content_id(c, a, b) == identity.pair_content_id(c, b, a) == both


def test_ids_stay_what_they_were() -> None:
    assert identity.prompt_id([{"role": "user", "content": "2 + 2?"}]).hex() == (
        "197d895ba6496717370ed12288681d98"
    )


def test_parts_do_not_run_into_each_other() -> None:
    assert identity.content_id(b"x", b"ab", b"c") != identity.content_id(b"x", b"a", b"bc")
    assert identity.content_id(b"x", b"a") != identity.content_id(b"y", b"a")
