"""The local cloud: an AWS server and a Redshift emulator on this machine, with the real program deployed into them."""
