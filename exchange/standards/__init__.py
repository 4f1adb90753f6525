"""Public standards that the exchange uses, a module each.

- `base64`: base64 and base64url (RFC 4648).
- `i_json`: I-JSON (RFC 7493).
- `keys`: P-256 keys as JWKs (RFC 7517, RFC 7518 §6.2).
- `jws`: compact JWS with ES256 (RFC 7515).
- `hpke`: HPKE in base mode (RFC 9180).
- `sd_jwt`: selective disclosure (RFC 9901).
- `merkle`: Merkle trees and their proofs (RFC 6962, RFC 9162).
- `notes`: signed notes, checkpoints, and cosignatures (C2SP).
"""
