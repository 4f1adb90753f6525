"""Sign, seal, check, and open one record of the exchange, in one process and without a network.

A case manager tells the prosecutor that a person is engaged. The hub checks the record and can't
read it. The prosecutor opens it. A real gateway and a real hub also ask the program's `disclosure`
decision first. Everything here is made up, and the keys exist only while this runs.
"""

import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import rules
from exchange import (
    COSIGNATURE,
    ExchangeError,
    History,
    Part,
    PrivateKey,
    SignedPayload,
    announce_key,
    build_bundle,
    check_bundle,
    check_delivery,
    derive_note_key,
    from_scalar,
    make_delivery,
    new_id,
    open_part,
    read_bundle,
    sign_directory,
    write_document,
)

ROLES = {
    "police": "police",
    "prosecutor": "prosecutor",
    "defender": "defender",
    "crossroads": "case_management",
    "clinic": "treatment_provider",
}


def new_key(name: str, use: str) -> PrivateKey:
    return from_scalar(ec.generate_private_key(ec.SECP256R1()), name, use)


def new_witness(name: str) -> str:
    return derive_note_key(Ed25519PrivateKey.generate(), name, COSIGNATURE).vkey


# Each agency has a key to sign records and a key for others to seal to.
signing = {agency: new_key(f"{agency}.s1", "sig") for agency in ROLES}
sealing = {agency: new_key(f"{agency}.2026-11", "enc") for agency in ROLES}

# The directory lists agencies, roles, and keys. All founders sign version 1.
directory = write_document(
    {
        "version": 1,
        "program": "LEAD in Example City",
        "zone": "America/Denver",
        "pack": {"id": "lead", "digest": rules.load("lead", "2026-11-23").digest},
        "log": new_witness("hub.example/city"),
        "agencies": [
            {
                "id": agency,
                "name": agency.title(),
                "role": role,
                "part2": "yes" if role == "treatment_provider" else "no",
                "custody": "own",
                "signing": [signing[agency].public.as_jwk()],
                "witness": new_witness(f"{agency}.w1"),
            }
            for agency, role in ROLES.items()
        ],
        "threshold": {"signatures": 3, "of": ["prosecutor", "defender", "clinic"]},
        "witnesses": {"required": ["defender"], "at_least": 2},
    }
)
history = History()
history.add(
    0, SignedPayload(directory, tuple(sign_directory(directory, key) for key in signing.values()))
)
for index, agency in enumerate(ROLES, start=1):
    history.add_sealing(index, announce_key(sealing[agency].public, signing[agency]))
membership = history.membership_at(
    index + 1
)  # the directory and keys in force at this place in the log

# The case manager signs one part and seals it to the prosecutor.
part = Part(
    category=("status",),
    content={"status": {"engagement": "engaged"}},
    to={"prosecutor": ("diversion_coordination", "consent")},
    keep_until="2027-11-30",
    use="no_adverse_action",
)
sent = build_bundle(
    signing["crossroads"],
    "status",
    [part],
    membership=membership,
    case=new_id(os.urandom),
    iat=1_795_000_000,
    random_bytes=os.urandom,
)

# The hub checks every signature and digest. It sees the label and not the content.
at_hub = check_bundle(read_bundle(sent.write()), membership)
((part_id, label),) = at_hub.labels.items()
print(f"the hub sees: {at_hub.kind} from {at_hub.issuer}, category {', '.join(label.category)}")
print(f"the hub can read the content: {b'engaged' in sent.write()}")

# The prosecutor checks the delivery again and opens its own part.
delivered = check_delivery(make_delivery(at_hub, "prosecutor", [part_id]), membership)
own_keys = {sealing["prosecutor"].public.kid: sealing["prosecutor"]}
opened = open_part(delivered, part_id, own_keys)
print(f"the prosecutor reads: {opened.content}")

# No other agency can open it.
try:
    police_keys = {sealing["police"].public.kid: sealing["police"]}
    open_part(delivered, part_id, police_keys)
except ExchangeError as error:
    print(f"police: {error}")
