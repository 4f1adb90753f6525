"""Records: labels, contents, sealing, and the signed whole.

- `ids`: random ids.
- `kinds`, `statements`, `label`: the clear half of a part, which the hub sees.
- `field_types`, `categories`, `content`, `content_checks`: the sealed half of a part.
- `manifest`, `sealing`: the sealed texts and the tree that fixes them.
- `record`: the signed text and its checks.
- `countersignature`: the second person's signature over a report of an emergency.
- `building`, `bundle`, `delivery`, `presentation`: the views of issuer, hub, recipient, and
  outsider.
"""
