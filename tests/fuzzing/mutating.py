"""Seeded damage: every case has a number, and with it can be made again."""

import numpy as np

ODD_TEXTS = [
    "",
    " \t ",
    "\0",
    "\x1b[31mred\x07",
    "\r\n\n\r",
    '"',
    "',\";=cmd|' /C calc'!A0",
    "\ufeffmark",
    "é" * 3,
    "e\u0301\u0301\u0301" * 50,
    "\u202eright to left\u202c",
    "\u200b\u2060\u00ad",
    "🫁🩻" * 5,
    "𝔛" * 40,
    "ﷺ" * 30,
    "\U0010ffff",
    "nan",
    "-inf",
    "1e400",
    "1" * 400,
    "-1",
    "0.5",
    "null",
    "NA",
    "../../outside.png",
    "/etc/passwd",
    "C:\\scan.png",
    "~root/a.png",
    "a::b",
    "scans/0.png",
    "s.tar::0.png",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "%s%n%x",
    "a" * 10_000,
]
_RUNS = [
    b"",
    b"\0",
    b"\xff" * 8,
    b"\xed\xa0\x80",
    b'"',
    b'"""',
    b",",
    b",,,,,",
    b"\n",
    b"\r",
    b"\xef\xbb\xbf",
    b"A" * 5000,
]


def chance(seed, case):
    """Give the random numbers of one case."""
    return np.random.default_rng((seed, case))


def damaged(random, content, *, after=0):
    """Change, drop, repeat or insert bytes; or cut the end off; never before `after`."""
    data = bytearray(content)
    for _ in range(int(random.integers(1, 6))):
        if len(data) <= after + 1:
            break
        place = int(random.integers(after, len(data)))
        length = int(random.integers(1, 40))
        match int(random.integers(0, 7)):
            case 0 | 1:
                data[place] = int(random.integers(0, 256))
            case 2:
                data[place] ^= 1 << int(random.integers(0, 8))
            case 3:
                del data[place : place + length]
            case 4:
                data[place:place] = data[place : place + length]
            case 5:
                data[place:place] = _RUNS[int(random.integers(0, len(_RUNS)))]
            case _:
                if random.random() < 0.3:
                    del data[place:]
                else:
                    big = int(random.integers(0, 1 << 31)).to_bytes(4, "little")
                    data[place : place + 4] = big
    return bytes(data)


def odd_text(random):
    """Give an odd text, or several in one, or characters at random."""
    kind = random.random()
    if kind < 0.7:
        return ODD_TEXTS[int(random.integers(0, len(ODD_TEXTS)))]
    if kind < 0.85:
        return "".join(ODD_TEXTS[place] for place in random.integers(0, len(ODD_TEXTS), 3))
    codes = random.integers(0, 0x11000, int(random.integers(1, 60))).tolist()
    return "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)


def outcomes(cases, door, allowed):
    """Go through a door once a case; give the numbers of those let in, and fail on any unforeseen error.

    Args:
        cases: how many.
        door: called with the case's number.
        allowed: the one error that may come.
    """
    let_in, unforeseen = [], {}
    for case in range(cases):
        try:
            door(case)
            let_in.append(case)
        except allowed:
            continue
        except BaseException as error:  # a Rust panic is no Exception
            if isinstance(error, KeyboardInterrupt):
                raise
            unforeseen[case] = f"{type(error).__name__}: {error}"[:300]
    assert not unforeseen, f"{len(unforeseen)} of {cases} cases: {dict(list(unforeseen.items())[:5])}"
    return let_in
