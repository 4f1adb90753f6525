"""Help the author of a pack: scenarios, English, differences between packs, and schemas."""
