"""One module for each public standard that the exchange uses."""
