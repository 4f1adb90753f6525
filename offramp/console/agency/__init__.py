"""The console of one agency: its people's pages, as a thin face of the agency's operations."""
