"""Entry point of the Pulumi program. The components are in infra/."""

from infra import program

program.deploy()
