"""An agency's link to its hub: the client, the duties, and changes of the directory."""
