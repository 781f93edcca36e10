"""How public data sets are written: one TOML file each, which `nightjar import files --layout NAME` reads."""
