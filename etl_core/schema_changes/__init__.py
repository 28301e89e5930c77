"""From the table as it is to the one that a schema file describes: differences, a plan, or a refusal. Pure."""
