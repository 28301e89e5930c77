"""CSV files: headers, rows, values, and schema files made from them or held against them. Pure."""
