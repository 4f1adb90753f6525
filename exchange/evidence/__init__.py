"""Documents for people outside the exchange: exhibits for a court, counsel, or an auditor."""
