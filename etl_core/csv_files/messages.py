"""Messages about data files: extension, compression, header, rows, values."""

from __future__ import annotations

from etl_core.model.messages import Message

# The file

WRONG_EXTENSION = Message(
    id="file.wrong_extension",
    when="The name of a data file does not end in .csv, .csv.gz, .csv.bz2 or .csv.zst.",
    text="the file {file!r} has the wrong extension: data files end in .csv, .csv.gz, .csv.bz2 or .csv.zst",
    fix="Write the data as CSV and upload it under such a name",
    example={"file": "orders.xlsx"},
)
COMPRESSION_INVALID = Message(
    id="file.compression_invalid",
    when="The content of a compressed file is damaged, or is not compressed at all.",
    text="the file is not valid {compression}: {error}",
    fix="Compress it again; if it is not compressed at all, name it .csv",
    example={"compression": "GZIP", "error": "incorrect header check"},
)
COMPRESSION_CUT = Message(
    id="file.compression_cut",
    when="A compressed file ends too early.",
    text="the file ends in the middle of its {compression} data: a part of it is missing",
    fix="Upload the whole file again",
    example={"compression": "GZIP"},
)
WRONG_ENCODING = Message(
    id="file.wrong_encoding",
    when="The file has bytes that are not text of the encoding in csv.encoding.",
    text="the file is not {encoding} text: {error}",
    fix="Save it as {encoding}, or set csv.encoding in the schema file",
    example={
        "encoding": "UTF16",
        "error": "'utf-16-le' codec can't decode bytes in position 6-7: illegal encoding",
    },
)

# The header

FILE_EMPTY = Message(
    id="header.empty",
    when="The file or its first row is empty.",
    text="the file is empty, or its first row is: the first row must name the table's columns",
    fix="Add the header and upload the file again",
    example={},
)
HEADER_LINE_BREAK = Message(
    id="header.line_break",
    when="A name in the header has a line break, or the lines of the file end in CR.",
    text="the header has a line break inside a name, or the lines of the file end in bare CR: "
    "lines must end in LF or CRLF",
    fix="Write every name in one line, and end lines in LF or CRLF",
    example={},
)
HEADER_INVALID = Message(
    id="header.invalid",
    when="The header is not CSV.",
    text="the header is not valid CSV: it {reason}; it begins with {beginning!r}",
    fix="Correct the quotes of the header",
    example={
        "reason": "has a quote inside a field: write a quote inside a quoted field twice, and quote "
        "the whole field",
        "beginning": '"id"x,name',
    },
)
HEADER_NOT_FOUND = Message(
    id="header.not_found",
    when="The first megabytes of the file have no complete row.",
    text="the first {size} bytes of the file have no header",
    fix="Check whether the file is damaged, or is not CSV",
    example={"size": 4194304},
)
HEADER_TOO_LONG = Message(
    id="header.too_long",
    when="The first row does not end within 1 MB.",
    text="the header does not end within {limit} bytes",
    fix="Check for a quote that is not closed, for lines that end in bare CR, and whether the file is CSV",
    example={"limit": 1048576},
)
HEADER_WRONG_ENCODING = Message(
    id="header.wrong_encoding",
    when="The header has bytes that are not text of the encoding in csv.encoding.",
    text="the header is not {encoding} text: {error}",
    fix="Save the file as {encoding}, or set csv.encoding in the schema file",
    example={
        "encoding": "UTF8",
        "error": "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte",
    },
)
BYTE_ORDER_MARK = Message(
    id="header.byte_order_mark",
    when="The file begins with a byte order mark, and csv.header is none.",
    text="the file begins with a UTF-8 byte order mark, which would become a part of the first value",
    fix="Save it as UTF-8 without a byte order mark",
    example={},
)
HEADER_MISMATCH = Message(
    id="header.mismatch",
    when="The header does not name the columns of the table.",
    text="the header does not match the table's columns: {faults}",
    fix="Correct the header, or upload a schema file that names these columns; then upload the file again. "
    "The table's columns are: {columns}",
    example={"faults": "column 'nmae' is not in the table", "columns": "id, name"},
)
HEADER_FAULTS_LEFT_OUT = Message(
    id="header.faults_left_out",
    when="A header has more faults than are listed.",
    text="and {count:,} more faults",
    fix="",
    example={"count": 99900},
)
COLUMN_MISSING = Message(
    id="header.column_missing",
    when="The header does not name a column of the table.",
    text="column {name!r} is missing",
    fix="",
    example={"name": "name"},
)
COLUMN_UNKNOWN = Message(
    id="header.column_unknown",
    when="The header names a column that the table does not have.",
    text="column {name} is not in the table",
    fix="",
    example={"name": "'more'"},
)
COLUMN_UNNAMED = Message(
    id="header.column_unnamed",
    when="A name in the header is empty, as programs write it for row numbers.",
    text='column {number} has no name (add "header": "" to the column of the schema file that it '
    'belongs to, or "" to csv.ignore_columns)',
    fix="",
    example={"number": 3},
)
COLUMN_MISSPELT = Message(
    id="header.column_misspelled",
    when="The header names a column that the table does not have, and the table has a similar name.",
    text="column {name} is not in the table (did you mean {guess!r}?)",
    fix="",
    example={"name": "'nmae'", "guess": "name"},
)
COLUMN_REPEATED = Message(
    id="header.column_repeated",
    when="The header names a column more than once.",
    text="column {name} is named {count} times",
    fix="",
    example={"name": "'id'", "count": 2},
)
COLUMN_GENERATED = Message(
    id="header.column_generated",
    when="The header names an identity column.",
    text="column {name!r} is filled by the warehouse (identity); leave it out",
    fix="",
    example={"name": "number"},
)

# Rows

ROW_TOO_LONG = Message(
    id="row.too_long",
    when="A row is longer than COPY accepts.",
    text="the row in line {line} is longer than 4 MB, the maximum of COPY",
    fix="Check for a quote that is not closed, and for lines that end in bare CR",
    example={"line": 17},
)
QUOTE_MISPLACED = Message(
    id="row.quote_misplaced",
    when="A field has a quote that is neither around it nor doubled.",
    text="has a quote inside a field: write a quote inside a quoted field twice, and quote the whole field",
    fix="",
    example={},
)
QUOTE_UNCLOSED = Message(
    id="row.quote_unclosed",
    when="A quote is opened and the file has no closing quote.",
    text="has a quote that is never closed: add the closing quote",
    fix="",
    example={},
)

# Values

VALUE_NULL = Message(
    id="value.null",
    when="A value is NULL, and the column is not nullable.",
    text="is NULL, but the column is not nullable",
    fix="",
    example={},
)
VALUE_HAS_NUL = Message(
    id="value.has_nul",
    when="A value has a NUL character.",
    text="has a NUL character, which COPY does not accept",
    fix="",
    example={},
)
VALUE_NOT_UTF8 = Message(
    id="value.not_utf8",
    when="A value is not valid UTF-8.",
    text="is not valid UTF-8",
    fix="",
    example={},
)
NOT_BOOLEAN = Message(
    id="value.not_boolean",
    when="A value of a BOOLEAN column is not a boolean.",
    text="is none of t, true, y, yes, 1, f, false, n, no, 0",
    fix="",
    example={},
)
NOT_INTEGER = Message(
    id="value.not_integer",
    when="A value of an integer column is not a whole number.",
    text="is not a whole number",
    fix="",
    example={},
)
INTEGER_OUT_OF_RANGE = Message(
    id="value.integer_out_of_range",
    when="A whole number does not fit its type.",
    text="is out of range ({least} to {most})",
    fix="",
    example={"least": -32768, "most": 32767},
)
NOT_NUMBER = Message(
    id="value.not_number",
    when="A value of a number column is not a number.",
    text="is not a number",
    fix="",
    example={},
)
NUMERIC_OUT_OF_RANGE = Message(
    id="value.numeric_out_of_range",
    when="A number has more digits before the decimal point than its NUMERIC type.",
    text="is out of range: at most {digits} digits before the decimal point",
    fix="",
    example={"digits": 3},
)
DECIMALS_CUT = Message(
    id="value.decimals_cut",
    when="A number has more decimals than its NUMERIC type; COPY loads it with fewer.",
    text="has more than {scale} decimals; COPY cuts off the rest",
    fix="",
    example={"scale": 2},
)
FLOAT_OUT_OF_RANGE = Message(
    id="value.float_out_of_range",
    when="A number is too large or too small for REAL or DOUBLE PRECISION.",
    text="is out of range for {type}",
    fix="",
    example={"type": "real"},
)
NOT_ASCII = Message(
    id="value.not_ascii",
    when="A value of a CHAR column has a character that is not ASCII.",
    text="is not ASCII, and CHAR accepts nothing else; make the column a VARCHAR",
    fix="",
    example={},
)
TEXT_TOO_LONG = Message(
    id="value.too_long",
    when="A value has more bytes than its column.",
    text="has {size} bytes; the column holds {limit} bytes",
    fix="",
    example={"size": 31, "limit": 30},
)
NOT_DATETIME = Message(
    id="value.not_datetime",
    when="A value of a date or timestamp column does not have the format of csv.date_format or csv.time_format.",
    text="is not a {what} in the format {format!r} ({option})",
    fix="",
    example={"what": "date", "format": "YYYY-MM-DD", "option": "csv.date_format"},
)
NOT_TIME = Message(
    id="value.not_time",
    when="A value of a TIME column is not a time of day.",
    text="is not a time of day such as 23:59:59",
    fix="",
    example={},
)
NOT_JSON = Message(
    id="value.not_json",
    when="A value of a SUPER column is not JSON.",
    text="is not JSON",
    fix="",
    example={},
)
NOT_HEXADECIMAL = Message(
    id="value.not_hexadecimal",
    when="A value of a VARBYTE column is not hexadecimal.",
    text="is not hexadecimal text",
    fix="",
    example={},
)
TYPE_NOT_LOADABLE = Message(
    id="value.type_not_loadable",
    when="COPY cannot load the type of the column from CSV.",
    text="cannot be loaded from CSV: COPY has no text form of {type}",
    fix="",
    example={"type": "hllsketch"},
)
