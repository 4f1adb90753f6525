"""Messages between a gateway and a hub: signed requests, inbox answers, and pieces for a restore.

- `request`: the signed header of a request.
- `inbox`: the answer to a pull.
- `pieces`: the holdings that members send to a restored hub.
"""
