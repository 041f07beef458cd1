"""Innocent numbers and identifiers that are shaped like secrets, and the sentences they stand in."""

import uuid
from random import Random

from bench.secret_values import HEX, Draw, chars, fill, luhn_digit

NUMBER = [
    "my order number is {}",
    "order {} has not arrived",
    "{}",
    "call me at {}",
    "reference: {}",
    "Ticket {} is still open",
    "see {} for details",
    "it says {} on the label",
    "Bestellnummer {}",
    "numéro de commande {}",
    "mi pedido es {}",
    "the user asked about {}",
    "is {} the right one?",
    "first {} and then the rest",
    "id={}",
    "({})",
    "tracking: {}",
    "invoice {} was paid with my card",
    "updated on {}",
    "I forgot my password for order {}",
    "I think {} is about right",
    "we are on {} now",
]


def _phone(rng: Random) -> str:
    shape = rng.choice(
        [
            "+49 1## ########",
            "+491#########",
            "+44 20 #### ####",
            "+1 (4##) 5##-####",
            "415-5##-####",
            "(415) 5##-####",
            "415.5##.####",
            "+33 6 ## ## ## ##",
            "06 ## ## ## ##",
            "0049 30 #######",
            "030 / ########",
            "+34 6## ### ###",
            "+55 11 9####-####",
            "+86 138 #### ####",
            "49 151 ########",
            "+91 98### #####",
        ]
    )
    return fill(rng, shape)


def _two_phones(rng: Random) -> str:
    return f"{fill(rng, '415-555-####')}{rng.choice([', ', chr(10), ' or ', ' / '])}{fill(rng, '415-555-####')}"


def _order(rng: Random) -> str:
    shape = rng.choice(
        [
            "########",
            "##########",
            "SO-######",
            "2026-#####",
            "#-########",
            "###-#######-#######",
            "INV-2026-0####",
            "@@######",
            "1##########",
            "R#########",
            "10000########",
            "#### ####",
            "0000 #### ####",
        ]
    )
    return fill(rng, shape)


def _tracking(rng: Random) -> str:
    shape = rng.choice(
        [
            "1Z@##@##03########",
            "9400 1### #### #### #### ##",
            "9405511206204816213###",
            "RR#########DE",
            "JJD0###############",
            "00340434############",
            "7### #### ####",
            "TBA############",
            "CJ#########US",
            "LX#########CN",
        ]
    )
    return fill(rng, shape)


def _isbn(rng: Random) -> str:
    return rng.choice(
        [
            fill(rng, "978-3-16-######-#"),
            fill(rng, "979-8-########-#"),
            fill(rng, "978#########") + fill(rng, "#"),
            fill(rng, "0-306-#####-#"),
            fill(rng, "ISSN 2###-####"),
        ]
    )


def _barcode(rng: Random) -> str:
    body = fill(rng, rng.choice(["40##########", "43##########", "76##########", "50##########"]))
    total = sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(body))
    return body + str(-total % 10)


def _device(rng: Random) -> str:
    imei = fill(rng, rng.choice(["35############", "86############"]))
    iccid = fill(rng, "8949##############")
    return rng.choice([imei + luhn_digit(imei), iccid + luhn_digit(iccid), fill(rng, "SN@@###@####")])


def _hash(rng: Random) -> str:
    return chars(rng, HEX, rng.choice([7, 8, 32, 40, 40, 64]))


def _digest(rng: Random) -> str:
    return rng.choice(["sha256:", "md5 ", "commit ", "etag: ", "sha512-"]) + chars(rng, HEX, 64)


def _uuid(rng: Random) -> str:
    value = str(uuid.UUID(int=rng.getrandbits(128), version=4))
    return rng.choice([value, value.upper(), value.replace("-", "")])


def _moment(rng: Random) -> str:
    year, month, day = rng.randint(1970, 2030), rng.randint(1, 12), rng.randint(1, 28)
    hour, minute, second = rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59)
    return rng.choice(
        [
            f"{year}-{month:02}-{day:02}",
            f"{day:02}.{month:02}.{year}",
            f"{month:02}/{day:02}/{year} {hour:02}:{minute:02}",
            f"{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rng.randint(0, 999999):06}Z",
            f"{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}",
            str(rng.randint(10**12, 2 * 10**12)),
            f"{day:02}.{month:02}.{year} - {day + 1:02}.{month:02}.{year + 1}",
        ]
    )


def _version(rng: Random) -> str:
    numbers = [str(rng.randint(0, 40)) for _ in range(4)]
    return rng.choice(
        ["v" + ".".join(numbers[:3]), ".".join(numbers), ".".join(numbers[:2]) + "-rc1", "10.0.19045.4529"]
    )


def _price(rng: Random) -> str:
    amount = rng.randint(1, 10 ** rng.randint(2, 9))
    return rng.choice(
        [f"€{amount:,}.99", f"${amount:,}", f"{amount} USD", f"{amount:,}".replace(",", "."), f"{amount / 7}"]
    )


def _place(rng: Random) -> str:
    return rng.choice(
        [
            f"{rng.uniform(-90, 90):.6f}, {rng.uniform(-180, 180):.6f}",
            f"{rng.uniform(0, 9)!r}",
            ".".join(str(rng.randint(1, 254)) for _ in range(4)) + ":8443",
            ":".join(chars(rng, HEX, 2) for _ in range(6)),
            "2001:db8:" + ":".join(chars(rng, HEX, 4) for _ in range(6)),
            fill(rng, "941##-####"),
            "#" + chars(rng, HEX, 6),
            f"https://example.com:8443/users/@bob/{rng.randint(1, 10**9)}",
            f"https://docs.example.com/a/{chars(rng, HEX, 24)}/edit?page={rng.randint(1, 99)}",
            f"bob.smith{rng.randint(1, 99)}@example.com",
        ]
    )


def _cells(rng: Random) -> str:
    """Rows of tables, addresses and sums, whose signs some people put into their card numbers."""
    return fill(
        rng,
        rng.choice(
            [
                "| 4### | 5### | 4### | 5### |",
                "2620:1###:2###:3###:ac43::1",
                "2607:1###:2###:3###:4###:5###:6###:7###",
                "4###*5###",
                "5###+4###+3###",
                "12:##:## | 4### | ok",
                "2026-11-20 12:##:##,###",
                "+49 151 2345####, +49 30 ########",
                "4###=4###",
                "5#######;5#######",
            ]
        ),
    )


def _series(rng: Random) -> str:
    count = rng.randint(8, 24)
    separator = rng.choice([" ", ", ", "\n", "; ", " / "])
    return separator.join(str(rng.randint(0, rng.choice([9, 99, 9999]))) for _ in range(count))


NUMBERS: dict[str, Draw] = {
    "phone number": _phone,
    "two phone numbers": _two_phones,
    "order number": _order,
    "tracking number": _tracking,
    "isbn": _isbn,
    "barcode": _barcode,
    "device number": _device,
    "git hash": _hash,
    "digest": _digest,
    "uuid": _uuid,
    "date or time": _moment,
    "version": _version,
    "price": _price,
    "place or address": _place,
    "cells and addresses": _cells,
    "series of numbers": _series,
}
