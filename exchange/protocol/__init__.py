"""What a gateway and a hub send each other: signed requests and inbox answers."""
