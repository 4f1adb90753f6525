"""Costs of the exchange's standards: microseconds of each operation, with the raw primitive for
comparison.

Both run alternately. Run it as `python bench/wire.py [--runs N]`. On another machine only the
ratios mean anything.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(Path(__file__).parent.parent))

from exchange.records import manifest, sealing
from exchange.standards import hpke, i_json, jws, keys, merkle, notes, sd_jwt

Work = Callable[[], Any]
PARTS, RECIPIENTS, LEAVES = 2, 3, 1_000_000
ES256 = ec.ECDSA(hashes.SHA256())
JTI = "0" * 32


def main() -> None:
    """Time the four groups of operations."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=15)
    runs = options.parse_args().runs
    print(
        f"Python {sys.version.split()[0]}, {runs} runs each, alternating. "
        "Medians in µs. The ratio is to the line marked ·\n"
    )
    for title, operations in (
        ("signed text", signed()),
        ("seal", seals()),
        ("disclosures", disclosures()),
        ("log", log()),
    ):
        compare(title, operations, runs)


def compare(title: str, operations: dict[str, Work], runs: int) -> None:
    """Print a group of timings. A baseline, marked ·, precedes its operations."""
    print(title)
    timers = [repeated(work) for work in operations.values()]
    timings: list[list[float]] = [[] for _ in timers]
    for round_number in range(runs + 1):
        for times, work in zip(timings, timers, strict=True):
            seconds = work()
            if round_number:
                times.append(seconds)
    baseline = 0.0
    for name, times in zip(operations, timings, strict=True):
        median = statistics.median(times) * 1e6
        baseline = median if name.startswith("·") else baseline
        ratio = "" if name.startswith("·") or not baseline else f"{median / baseline:8.2f} ×"
        print(f"  {name:52}{median:10.2f}{ratio}")
    print()


def repeated(work: Work, least: float = 0.01) -> Callable[[], float]:
    """Return a timer of one call, averaged over as many as take `least` seconds."""
    count = 1
    while True:
        began = time.perf_counter()
        for _ in range(count):
            work()
        if time.perf_counter() - began >= least:
            break
        count *= 2

    def once() -> float:
        began = time.perf_counter()
        for _ in range(count):
            work()
        return (time.perf_counter() - began) / count

    return once


def make_key(kid: str, use: keys.Use) -> keys.PrivateKey:
    """Make a new key."""
    return keys.from_scalar(ec.generate_private_key(ec.SECP256R1()), kid, use)


def record() -> tuple[dict[str, Any], list[str], list[str]]:
    """Return a record's payload, labels, and contents."""
    contents = [
        sd_jwt.disclose_property("content", {"said": "x" * 300, "number": number}, os.urandom)
        for number in range(PARTS)
    ]
    label = {
        "id": "00000000000000aa",
        "category": ["progress"],
        "sensitivity": "plain",
        "use": "no_adverse_action",
    }
    labels = [
        sd_jwt.disclose_element(sd_jwt.hide_properties(label, [content]), os.urandom)
        for content in contents
    ]
    parts = sd_jwt.hide_elements(labels, os.urandom)
    payload = {
        "iss": "police",
        "jti": JTI,
        "iat": 1_793_000_000,
        "case": JTI,
        "kind": "progress",
        "parts": parts,
    }
    return {**payload, "manifest": "A" * 43, "_sd_alg": "sha-256"}, labels, contents


def signed() -> dict[str, Work]:
    """Time signed texts."""
    key = make_key("police.s1", "sig")
    payload = i_json.write(record()[0])
    text = jws.sign(payload, key, typ="offramp-record+sd-jwt")
    jwk = key.public.as_jwk()
    message, public = text.rpartition(".")[0].encode(), key.public.point
    signature = key.scalar.sign(message, ES256)
    return {
        "· ECDSA P-256 sign": lambda: key.scalar.sign(message, ES256),
        f"build a JWS of {len(payload)} bytes": lambda: jws.sign(
            payload, key, typ="offramp-record+sd-jwt"
        ),
        "· ECDSA P-256 verify": lambda: public.verify(signature, message, ES256),
        "verify the JWS": lambda: jws.verify(text, key.public, typ="offramp-record+sd-jwt"),
        "take the JWS apart, unverified": lambda: jws.read(text, typ="offramp-record+sd-jwt"),
        "read a public key": lambda: keys.read_public_key(jwk, "sig"),
    }


def seals() -> dict[str, Work]:
    """Time seals and manifests."""
    key = make_key("defender.2026-11", "enc")
    public, private, info, text = key.public.point, key.scalar, b"offramp/1/part", bytes(1024)
    ct = hpke.SUITE.encrypt(text, public, info)
    sealed_text = sealing.seal(bytes(700), JTI, "p1", key.public, "coordination", "consent")
    entries = [
        manifest.Entry(f"p{n}", "to", "care", "consent", sha256(bytes([n])).hexdigest())
        for n in range(PARTS * RECIPIENTS)
    ]
    built = manifest.build_manifest(entries, os.urandom)
    path = built.path(entries[0])
    return {
        "· HPKE P-256 encrypt, 1 KiB": lambda: hpke.SUITE.encrypt(text, public, info),
        "seal a part of 700 bytes": lambda: sealing.seal(
            bytes(700), JTI, "p1", key.public, "coordination", "consent"
        ),
        "· HPKE P-256 decrypt, 1 KiB": lambda: hpke.SUITE.decrypt(ct, private, info),
        "open the part": lambda: sealing.unseal(sealed_text, JTI, key),
        "· SHA-256 of 64 bytes, as often as a manifest of 8 has": lambda: [
            sha256(text[:64]).digest() for _ in range(15)
        ],
        "build a manifest of 6 entries and 2 pads": lambda: manifest.build_manifest(
            entries, os.urandom
        ),
        "rebuild it": lambda: manifest.rebuild_manifest(built.entries, built.pads),
        "verify an entry's path": lambda: manifest.verify_entry(entries[0], path, built.root),
    }


def disclosures() -> dict[str, Work]:
    """Time disclosures."""
    payload, labels, contents = record()
    text = contents[0].encode()
    return {
        "· SHA-256 of a disclosure": lambda: sha256(text).digest(),
        "digest of a disclosure": lambda: sd_jwt.digest(contents[0]),
        "· as many SHA-256 as a record with 2 parts has": lambda: [
            sha256(text).digest() for _ in range(2 * PARTS)
        ],
        "build 2 labels, 2 contents, 6 decoys": record,
        "process 2 labels, as the hub does": lambda: sd_jwt.process(payload, labels),
        "process 2 labels and 2 contents": lambda: sd_jwt.process(payload, [*labels, *contents]),
    }


def log() -> dict[str, Work]:
    """Time the tree and the checkpoints of a log."""
    leaves = [sha256(number.to_bytes(8, "big")).digest() for number in range(LEAVES)]
    began = time.perf_counter()
    tree = merkle.Tree(leaves)
    grown = time.perf_counter() - began
    first, root, old = LEAVES * 2 // 3, tree.root(), tree.root(LEAVES * 2 // 3)
    inclusion, consistency = tree.inclusion(first), tree.consistency(first)
    private = Ed25519PrivateKey.generate()
    point = notes.Checkpoint("hub.example/log", LEAVES, root)
    names = [point.origin, "defender.w1", "clinic.w1"]
    privates = [private, Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()]
    witnesses = [
        notes.derive_note_key(private_key, name, notes.COSIGNATURE)
        for private_key, name in zip(privates, names, strict=True)
    ]
    lines = [
        notes.cosign(point.text, private_key, name, 1)
        for private_key, name in zip(privates, names, strict=True)
    ]
    note, plain = notes.Note(point.text, tuple(lines)).encode(), private.sign(point.text.encode())
    print(
        f"a tree of {LEAVES:,} leaves: grown in {grown:.2f} s, {grown / LEAVES * 1e6:.2f} µs a leaf"
    )
    return {
        "· SHA-256 of a node, 20 times": lambda: [
            sha256(b"\1" + root + old).digest() for _ in range(20)
        ],
        "root of the tree of a million": tree.root,
        "make an inclusion proof": lambda: tree.inclusion(first),
        "verify it": lambda: merkle.verify_inclusion(leaves[first], first, LEAVES, inclusion, root),
        "make a consistency proof": lambda: tree.consistency(first),
        "verify it ": lambda: merkle.verify_consistency(first, LEAVES, consistency, old, root),
        "· Ed25519 sign": lambda: private.sign(point.text.encode()),
        "cosign a checkpoint": lambda: notes.cosign(point.text, private, names[0], 1),
        "· Ed25519 verify, 3 times": lambda: [
            private.public_key().verify(plain, point.text.encode()) for _ in range(3)
        ],
        "open a checkpoint with 3 signatures": lambda: notes.open_checkpoint(
            note, witnesses[0], witnesses[1:]
        ),
    }


if __name__ == "__main__":
    main()
