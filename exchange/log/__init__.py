"""Log: leaves, checkpoints, receipts, and the generations of a restored log.

- `leaves`: the kinds of leaf, the blinded entry, and the opened leaf.
- `tree`: the Merkle tree over the leaves.
- `checkpoints`: checks against checkpoints, and the memory of a witness.
- `receipts`: the hub's answer to a submission.
- `signed_lines`: the hub's signed lines about an inbox and an account.
- `generation`: the statement that agencies sign after a restore that lost something.
"""
