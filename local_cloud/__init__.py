"""The local cloud: an AWS server and a Redshift emulator on this machine.

The real program is deployed into them.
"""
