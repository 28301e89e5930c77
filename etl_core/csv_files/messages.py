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
TEXT_EXTENSION = Message(
    id="file.text_extension",
    when="The name of a data file ends in .txt, .tsv or similar.",
    text="the file {file!r} has the wrong extension: data files end in .csv, .csv.gz, .csv.bz2 or .csv.zst",
    fix='Name it {extension}; if its values are separated by tabs, set csv.delimiter to "\\t" in the schema file',
    example={"file": "orders.tsv", "extension": ".csv"},
)
SPREADSHEET_EXTENSION = Message(
    id="file.spreadsheet_extension",
    when="A data file is a spreadsheet, by its name.",
    text="the file {file!r} has the wrong extension: data files end in .csv, .csv.gz, .csv.bz2 or .csv.zst",
    fix='Save the sheet as "CSV UTF-8" and upload that file',
    example={"file": "orders.xlsx"},
)
ARCHIVE_EXTENSION = Message(
    id="file.archive_extension",
    when="A data file is an archive, by its name.",
    text="the file {file!r} has the wrong extension: data files end in .csv, .csv.gz, .csv.bz2 or .csv.zst",
    fix="Unpack it and upload the CSV file, or compress it with gzip and name it .csv.gz",
    example={"file": "orders.zip"},
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

NOT_CSV = Message(
    id="file.not_csv",
    when="The first bytes of a data file are of another format, compression or encoding.",
    text="the file is {what}, by its first bytes",
    fix="{fix}",
    example={
        "what": "an Excel workbook or another spreadsheet",
        "fix": 'Save it as "CSV UTF-8" and upload that file',
    },
)
ADVISE_COMPRESSED = Message(
    id="file.advise_extension",
    when="A compressed file is named .csv.",
    text="Name it {extension}: COPY decompresses by the name",
    fix="",
    example={"extension": ".csv.gz"},
)
ADVISE_COMPRESSED_TWICE = Message(
    id="file.advise_decompressing",
    when="A file was compressed twice.",
    text="Decompress it once and upload it again",
    fix="",
    example={},
)
ADVISE_SPREADSHEET = Message(
    id="file.advise_spreadsheet",
    when="A data file is a spreadsheet.",
    text='Save it as "CSV UTF-8" and upload that file; to rename it is not enough',
    fix="",
    example={},
)
ADVISE_ZIP = Message(
    id="file.advise_zip",
    when="A data file is a zip archive.",
    text="Unpack it and upload the CSV file, or compress it with gzip and name it .csv.gz",
    fix="",
    example={},
)
ADVISE_EXPORT = Message(
    id="file.advise_export",
    when="A data file has another format than CSV.",
    text="Write the data as CSV and upload that file",
    fix="",
    example={},
)
ADVISE_UTF16 = Message(
    id="file.advise_utf16",
    when="A data file is UTF-16, and csv.encoding is UTF8.",
    text='Save it as UTF-8, or set csv.encoding to "{encoding}" in the schema file. Excel\'s "Unicode text" is UTF-16 '
    'with tabs: set csv.delimiter to "\\t" too',
    fix="",
    example={"encoding": "UTF16"},
)
LINES_END_IN_CR_CR_LF = Message(
    id="file.lines_end_in_cr_cr_lf",
    when="Lines end in CR CR LF, as Python's csv module writes them on Windows if newline='' is missing.",
    text="the lines of the file end in CR CR LF: COPY would append the first CR to the last column",
    fix="In Python, open the file with newline=''; or replace CR CR LF by LF",
    example={},
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

WRONG_DELIMITER = Message(
    id="header.wrong_delimiter",
    when="The header has the names of the table's columns, with another delimiter between them.",
    text="the delimiter of the file seems to be {delimiter!r}; the schema file says {expected!r}",
    fix='Set csv.delimiter to "{delimiter}" in the schema file, or write the file with {expected!r}',
    example={"delimiter": ";", "expected": ","},
)
DELIMITER_LINE = Message(
    id="header.delimiter_line",
    when="The first line is sep=; or similar, which only Excel understands.",
    text="the first line is {line!r}, which only Excel understands: the first row must name the table's columns",
    fix='Remove this line, and set csv.delimiter to "{delimiter}" in the schema file',
    example={"line": "sep=;", "delimiter": ";"},
)
HEADER_BELOW = Message(
    id="header.below",
    when="The header is not in the first line, but further down.",
    text="the header is in line {line}, but it must be the first row",
    fix="Remove what is above it, such as comments or a title (lines above the header: {count})",
    example={"line": 4, "count": 3},
)
NO_HEADER = Message(
    id="header.none",
    when="The first row has values of the table's columns instead of their names.",
    text="the file seems to have no header: the first row is {row!r}, and it must name the table's columns",
    fix='Add a first row with the names; or set csv.header to "none" in the schema file, if no file has a header and '
    "the fields are in the order of its columns",
    example={"row": "1,Anna"},
)
MISSING_COLUMNS_OPTION = Message(
    id="header.columns_left_out",
    when="The header leaves out columns that have a default or are nullable.",
    text="the header leaves out columns of the table: {columns}",
    fix='Add them; or set csv.missing_columns to "default" in the schema file, and they get their default, or NULL',
    example={"columns": "column 'imported' is missing"},
)
HEADER_NOT_UTF8 = Message(
    id="header.not_utf8",
    when="The header is Latin-1 or Windows-1252.",
    text="the header is not UTF-8 text; read as Windows-1252 it is {text!r}",
    fix="{fix}",
    example={"text": "id,größe", "fix": "Save the file as UTF-8"},
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
BACKSLASH_BEFORE_QUOTE = Message(
    id="row.backslash_before_quote",
    when="A row with a quote fault has a backslash before a quote, as Spark and MySQL write it.",
    text="The row has \\{quote}: write {quote}{quote} instead, because CSV knows no backslash escapes. In Spark, "
    "set the option escape to {quote}",
    fix="",
    example={"quote": '"'},
)
QUOTED_OVER_LINES = Message(
    id="row.quoted_over_lines",
    when="A row with a quote fault goes on over several lines, because a quote is open.",
    text="A quote that the row opens is closed only {count} lines further down: a closing quote is probably missing",
    fix="",
    example={"count": 3},
)
FIELDS_MISSING = Message(
    id="row.fields_missing",
    when="A row has fewer fields than the header.",
    text="has {given} fields; the header has {expected}",
    fix="",
    example={"given": 2, "expected": 3},
)
FIELDS_SURPLUS = Message(
    id="row.fields_surplus",
    when="A row has more fields than the header.",
    text="has {given} fields; the header has {expected}",
    fix="",
    example={"given": 4, "expected": 3},
)
DELIMITER_AT_END = Message(
    id="row.delimiter_at_end",
    when="A row has one field too many, and that is empty.",
    text="The row ends in a delimiter, and the header does not: remove the trailing delimiter of each row",
    fix="",
    example={},
)
ROW_ALL_EMPTY = Message(
    id="row.all_empty",
    when="A row has delimiters and no values, as Excel writes rows whose cells were emptied.",
    text="has only empty fields",
    fix="",
    example={},
)
HEADER_REPEATED = Message(
    id="row.header_repeated",
    when="A row repeats the header, as in files that were appended to each other.",
    text="repeats the header",
    fix="",
    example={},
)
FINDING_OF_ROW = Message(
    id="finding.row",
    when="A row of a file has a fault.",
    text="line {line}: {reason}",
    fix="",
    example={"line": 3, "reason": "has 2 fields; the header has 3"},
)
FINDING_OF_VALUE = Message(
    id="finding.value",
    when="A value of a file has a fault.",
    text="line {line}, column {column!r}, value {value}: {reason}",
    fix="",
    example={"line": 3, "column": "id", "value": "'x7'", "reason": "is not a whole number"},
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
DIGITS_ROUNDED = Message(
    id="value.digits_rounded",
    when="A number has more digits than its REAL or DOUBLE PRECISION type keeps; COPY rounds it.",
    text="has more digits than {type} keeps; COPY rounds it to {stored}",
    fix="",
    example={"type": "double precision", "stored": "9007199254740992"},
)
TIME_LOST = Message(
    id="value.time_lost",
    when="A value of a DATE column has a time of day, which COPY cuts off.",
    text="has a time of day; DATE stores the day only, and COPY cuts the time off",
    fix="",
    example={},
)
OFFSET_LOST = Message(
    id="value.offset_lost",
    when="A value of a column without time zone has an offset from UTC, which COPY drops.",
    text="has a time zone offset; COPY drops it, and the {type} column keeps the local time",
    fix="",
    example={"type": "TIMESTAMP"},
)
FRACTION_CUT = Message(
    id="value.fraction_cut",
    when="A time has more than six decimals of a second, which COPY cuts off.",
    text="has more than microseconds; COPY cuts off the further decimals",
    fix="",
    example={},
)
DATE_AMBIGUOUS = Message(
    id="value.date_ambiguous",
    when="A date can be read in two ways, and the schema file does not say which one is meant.",
    text="can be read in two ways, such as day first or month first; COPY's automatic recognition takes "
    "the month first",
    fix="",
    example={},
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
BLANKS_CUT = Message(
    id="value.blanks_cut",
    when="A value is too long for its VARCHAR column only because of blanks at its end, which COPY cuts off.",
    text="is longer than the {limit} bytes of its column because of blanks at its end; COPY cuts them off",
    fix="",
    example={"limit": 30},
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
FINDINGS_OF_KIND = Message(
    id="findings.values",
    when="A file loads, and COPY changes values of one column or reads them in one of two ways.",
    text="{first} (values of the column like this: {count:,})",
    fix="",
    example={
        "count": 1200,
        "first": "line 2, column 'price', value '1.239': has more than 2 decimals; COPY cuts off the rest",
    },
)
FINDINGS_OF_ROWS = Message(
    id="findings.rows",
    when="A file loads, and it has rows that are probably no data.",
    text="{first} (rows like this: {count:,})",
    fix="",
    example={"count": 3, "first": "line 4711: has only empty fields"},
)

# What probably cures a value

SET_NULL_AS = Message(
    id="cure.null_as",
    when="A refused value looks like a missing value.",
    text="It looks like a missing value: set csv.null_as to {value!r} in the schema file, or leave the field empty",
    fix="",
    example={"value": "N/A"},
)
TEXT_OR_MISSING = Message(
    id="cure.null_as_other",
    when="A refused value looks like a missing value, but csv.null_as names another text.",
    text="It looks like a missing value, but csv.null_as is {null_as!r}, and there can be only one such text: "
    "write {null_as!r} instead of {value!r}, or leave the field empty",
    fix="",
    example={"value": "N/A", "null_as": "NULL"},
)
SPREADSHEET_ERROR = Message(
    id="cure.spreadsheet_error",
    when="A refused value is an error of a spreadsheet formula.",
    text="It is an error of a spreadsheet formula: correct the formula and export the file again",
    fix="",
    example={},
)
SAVE_AS_UTF8 = Message(
    id="cure.save_as_utf8",
    when="A refused value is not UTF-8.",
    text='The file is probably Latin-1 or Windows-1252 (cp1252), as Excel\'s plain "CSV" is: save it as '
    '"CSV UTF-8", or convert it with: iconv -f cp1252 -t utf-8',
    fix="",
    example={},
)
END_OF_FILE_MARK = Message(
    id="cure.end_of_file_mark",
    when="A line holds only the byte 0x1A, which DOS programs append.",
    text="It is the end-of-file mark 0x1A (Ctrl-Z) that old programs append: remove it",
    fix="",
    example={},
)
WIDEN_TEXT = Message(
    id="cure.widen_text",
    when="A refused value is longer than its column.",
    text="Lengths are in bytes: make the column VARCHAR({size}) in the schema file, or shorten the value",
    fix="",
    example={"size": 64},
)
WIDEN_DECIMALS = Message(
    id="cure.widen_decimals",
    when="COPY cuts decimals off.",
    text="To keep them, give the column a larger scale than NUMERIC({precision},{scale}); NUMERIC without digits is "
    "NUMERIC(18,0)",
    fix="",
    example={"precision": 18, "scale": 0},
)
KEEP_DIGITS = Message(
    id="cure.keep_digits",
    when="COPY rounds a number of a REAL or DOUBLE PRECISION column.",
    text="REAL keeps 6 digits and DOUBLE PRECISION 15. To keep every digit, give the column the type BIGINT or NUMERIC",
    fix="",
    example={},
)
MAKE_NUMERIC = Message(
    id="cure.make_numeric",
    when="A value of an integer column has decimals or an exponent.",
    text="Make the column NUMERIC or DOUBLE PRECISION in the schema file, or write whole numbers. pandas writes 1.0 "
    "where a column has missing values; its type Int64 does not",
    fix="",
    example={},
)
CONVERT_NUMBER = Message(
    id="cure.convert_number",
    when="A refused number has thousands separators, a decimal comma, a currency or a percent sign.",
    text="Write numbers without thousands separators, currency or percent signs, and with a decimal point",
    fix="",
    example={},
)
BLANKS_AROUND = Message(
    id="cure.blanks_around",
    when="A refused number has blanks around it.",
    text="Remove the blanks around the number",
    fix="",
    example={},
)
JSON_QUOTES = Message(
    id="cure.json_quotes",
    when="A refused JSON value has single quotes.",
    text="JSON needs double quotes, true, false and null; this looks like the text form of a Python object: write it "
    "with json.dumps",
    fix="",
    example={},
)
SET_EPOCH = Message(
    id="cure.epoch",
    when="A refused timestamp looks like seconds or milliseconds since 1970.",
    text='It looks like a time since 1970: set csv.time_format to "{unit}" in the schema file',
    fix="",
    example={"unit": "epochmillisecs"},
)
EPOCH_IN_DATE = Message(
    id="cure.epoch_in_date",
    when="A refused date looks like seconds or milliseconds since 1970.",
    text="It looks like a time since 1970, which DATE cannot read: make the column a TIMESTAMP and set "
    'csv.time_format to "{unit}"',
    fix="",
    example={"unit": "epochsecs"},
)
SET_DATETIME_FORMAT = Message(
    id="cure.datetime_format",
    when="A date has a format that the schema file must name.",
    text="Set {option} to {formats} in the schema file, or write dates as YYYY-MM-DD",
    fix="",
    example={"option": "csv.date_format", "formats": '"DD/MM/YYYY" or "MM/DD/YYYY"'},
)
DATES_AS_ISO = Message(
    id="cure.dates_as_iso",
    when="A refused date has no format that COPY can be given.",
    text="Write dates as YYYY-MM-DD and times as HH:MI:SS, and check that the day exists",
    fix="",
    example={},
)
KEEP_TIME = Message(
    id="cure.keep_time",
    when="COPY cuts the time of day off a DATE.",
    text="To keep the time, make the column a TIMESTAMP",
    fix="",
    example={},
)
KEEP_OFFSET = Message(
    id="cure.keep_offset",
    when="COPY drops a time zone offset.",
    text="To keep the moment, make the column a {type}",
    fix="",
    example={"type": "TIMESTAMPTZ"},
)
KEEP_BLANKS = Message(
    id="cure.keep_blanks",
    when="COPY cuts blanks off that a VARCHAR column does not hold.",
    text="Make the column longer to keep the blanks, or remove them from the file",
    fix="",
    example={},
)
KEEP_AS_TEXT = Message(
    id="cure.keep_as_text",
    when="COPY cuts off what is smaller than a microsecond.",
    text="Redshift stores microseconds; to keep more, make the column a VARCHAR",
    fix="",
    example={},
)
ADD_FIELDS = Message(
    id="cure.add_fields",
    when="A row has fewer fields than the header.",
    text="Add the missing fields, or remove the line if it is no data",
    fix="",
    example={},
)
QUOTE_VALUES = Message(
    id="cure.quote_values",
    when="A row has more fields than the header.",
    text="Put quotes around values that contain the delimiter",
    fix="",
    example={},
)
REMOVE_EMPTY_ROWS = Message(
    id="cure.remove_empty_rows",
    when="A row has only empty fields.",
    text='Remove such rows, or set csv.empty_rows to "skip" or "reject" in the schema file',
    fix="",
    example={},
)
REMOVE_HEADERS = Message(
    id="cure.remove_headers",
    when="A row repeats the header.",
    text="Remove headers from the middle of the file",
    fix="",
    example={},
)
