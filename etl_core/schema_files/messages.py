"""Messages about schema files and column types."""

from __future__ import annotations

from etl_core.model.messages import Message

_UPLOAD_AGAIN = "Nothing was changed; correct the file and upload it again"

# The file as a whole

SCHEMA_FILE_FAULTY = Message(
    id="schema_file.faulty",
    when="The schema file breaks rules of its format; every fault is listed with its path.",
    text="the schema file has {count}: {faults}",
    fix=_UPLOAD_AGAIN,
    example={
        "count": "1 fault",
        "faults": "$.columns[2].type: 'UUID' is not a column type of Redshift",
    },
)
FAULT_AT = Message(
    id="schema_file.fault",
    when="One fault of a schema file.",
    text="{path}: {reason}",
    fix="",
    example={"path": "$.columns[2].name", "reason": "a column name must not be empty"},
)
FAULTS_LEFT_OUT = Message(
    id="schema_file.faults_left_out",
    when="A schema file has more faults than are listed.",
    text="and {count} more",
    fix="",
    example={"count": 12},
)
FILE_TOO_LARGE = Message(
    id="schema_file.too_large",
    when="The schema file is larger than 1 MB.",
    text="the schema file has {size} bytes; at most {limit} are accepted",
    fix=_UPLOAD_AGAIN,
    example={"size": 1200000, "limit": 1000000},
)
FILE_EMPTY = Message(
    id="schema_file.empty",
    when="The schema file has no content.",
    text="the schema file is empty; it must be a JSON object that lists the columns",
    fix=_UPLOAD_AGAIN,
    example={},
)
NOT_UTF8 = Message(
    id="schema_file.not_utf8",
    when="The schema file is not encoded in UTF-8.",
    text="the schema file is not UTF-8: {error}",
    fix="Nothing was changed; save it as UTF-8 and upload it again",
    example={"error": "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"},
)
NESTED_TOO_DEEPLY = Message(
    id="schema_file.nested_too_deeply",
    when="The schema file has more levels than its format.",
    text="the schema file is nested too deeply; a schema file has four levels",
    fix=_UPLOAD_AGAIN,
    example={},
)
TRAILING_COMMA = Message(
    id="schema_file.trailing_comma",
    when="The JSON of the schema file has a comma after the last entry of a list or an object.",
    text="the schema file has a comma in line {line}, column {column}, that nothing follows; JSON has "
    "commas only between entries",
    fix="Nothing was changed; remove the comma and upload the file again",
    example={"line": 4, "column": 42},
)
COMMENT_IN_JSON = Message(
    id="schema_file.comment",
    when="The schema file has a comment, which JSON does not have.",
    text="the schema file has a comment in line {line}, column {column}; JSON has no comments",
    fix="Nothing was changed; remove it, or use the property description, and upload the file again",
    example={"line": 3, "column": 5},
)
SINGLE_QUOTES = Message(
    id="schema_file.single_quotes",
    when="The schema file has a text in single quotes.",
    text="the schema file has a single quote in line {line}, column {column}, where a value begins; "
    'JSON has texts in double quotes, such as "id"',
    fix="Nothing was changed; correct the quotes and upload the file again",
    example={"line": 1, "column": 2},
)
NOT_JSON = Message(
    id="schema_file.not_json",
    when="The schema file is not JSON.",
    text="the schema file is not valid JSON: {error}",
    fix=_UPLOAD_AGAIN,
    example={"error": "Expecting ',' delimiter: line 4 column 5 (char 61)"},
)
LONE_SURROGATE = Message(
    id="schema_file.lone_surrogate",
    when="A text of the schema file has one half of a surrogate pair.",
    text="the schema file has one half of a surrogate pair (\\ud800 to \\udfff), which is not a character",
    fix=_UPLOAD_AGAIN,
    example={},
)
NOT_AN_OBJECT = Message(
    id="schema_file.not_an_object",
    when="The JSON of the schema file is a list, a text or a number.",
    text="the schema file is {given}, not a JSON object; it must be an object that lists the columns, such as "
    '{{"columns": [{{"name": "id", "type": "INTEGER"}}]}}',
    fix=_UPLOAD_AGAIN,
    example={"given": "a list"},
)
PROPERTY_TWICE = Message(
    id="schema_file.property_twice",
    when="An object of the schema file has the same property twice.",
    text="the property {name!r} is written twice in one object",
    fix="",
    example={"name": "type"},
)
NUMBER_OUT_OF_RANGE = Message(
    id="schema_file.number_out_of_range",
    when="A number of the schema file has an extreme exponent or very many digits.",
    text="the number {number} is out of range",
    fix="",
    example={"number": "1e9999999999999999999999"},
)
CONSTANT_NOT_JSON = Message(
    id="schema_file.constant_not_json",
    when="The schema file has NaN or Infinity, which JSON does not have.",
    text="{constant} is not JSON",
    fix="",
    example={"constant": "NaN"},
)

# Properties

PROPERTY_MISSING = Message(
    id="property.missing",
    when="A property that is needed is missing.",
    text="is missing",
    fix="",
    example={},
)
PROPERTY_UNKNOWN = Message(
    id="property.unknown",
    when="A property does not exist.",
    text="is not a known property{place}; known are {known}",
    fix="",
    example={"place": "", "known": "delimiter, encoding, quote"},
)
PROPERTY_MISSPELT = Message(
    id="property.misspelled",
    when="A property does not exist, and a similar one does.",
    text="is not a known property{place}; did you mean {guess!r}?",
    fix="",
    example={"place": " (column 'id')", "guess": "nullable"},
)
BOTH_NAMES = Message(
    id="property.both_names",
    when="A file has both allowed_operations and allowed_actions.",
    text="is the same as allowed_operations; give only one of the two",
    fix="",
    example={},
)
WRONG_KIND = Message(
    id="property.wrong_kind",
    when="A property has a value of the wrong JSON type.",
    text="{value} was given; {needed} is needed",
    fix="",
    example={"value": '"no"', "needed": "true or false"},
)
NOT_A_CHOICE = Message(
    id="property.not_a_choice",
    when="A property has a value that is not in its list of values.",
    text="{value} was given; it must be {choices}",
    fix="",
    example={"value": '"SOME"', "choices": "'AUTO', 'EVEN', 'ALL' or 'KEY'"},
)
TEXT_TOO_LONG = Message(
    id="property.text_too_long",
    when="A text is longer than allowed.",
    text="{value} has {size} characters; at most {limit} are allowed",
    fix="",
    example={"value": '"a very long text..."', "size": 4100, "limit": 4000},
)
NUMBER_TOO_SMALL = Message(
    id="property.number_too_small",
    when="A number is smaller than allowed.",
    text="{value} was given; the smallest number allowed is {limit}",
    fix="",
    example={"value": "-1", "limit": 0},
)
NUMBER_TOO_LARGE = Message(
    id="property.number_too_large",
    when="A number is larger than allowed.",
    text="{value} was given; the largest number allowed is {limit}",
    fix="",
    example={"value": "100000", "limit": 86400},
)
TEXT_EMPTY = Message(
    id="property.text_empty",
    when="A text is empty where a text is needed.",
    text="an empty text was given; at least {limit} character is needed",
    fix="",
    example={"limit": 1},
)
LIST_TOO_LONG = Message(
    id="property.list_too_long",
    when="A list has more entries than allowed.",
    text="{size} entries were given; at most {limit} are allowed",
    fix="",
    example={"size": 401, "limit": 400},
)
VALUE_REFUSED = Message(
    id="property.value_refused",
    when="A property has a value that is refused for another reason.",
    text="{value} was given; {reason}",
    fix="",
    example={"value": "[1]", "reason": "input should be a valid integer"},
)
TEXT_HAS_NUL = Message(
    id="property.text_has_nul",
    when="A text has a NUL character.",
    text="{value} has a NUL character, which Redshift cannot store",
    fix="",
    example={"value": '"a\\u0000"'},
)
TEXT_HAS_ESCAPE = Message(
    id="property.text_has_escape",
    when="An option of csv has a backslash or a control character.",
    text="{value!r} has a backslash or a control character, which Redshift reads as an escape",
    fix="",
    example={"value": "\\N"},
)
NOT_A_DELIMITER = Message(
    id="property.not_a_delimiter",
    when="The delimiter is not a single ASCII character.",
    text="{value!r} cannot be the delimiter: it is one ASCII character other than a backslash or a "
    "line break; write a tab as \\t and Hive's Ctrl-A as \\u0001",
    fix="",
    example={"value": ";;"},
)
NULL_AS_EMPTY = Message(
    id="csv.null_as_empty",
    when="csv.null_as is an empty text.",
    text="an empty text was given; to load empty texts as NULL, write empty_as_null: true instead "
    "(an empty number or date is always NULL)",
    fix="",
    example={},
)
HEADER_NAME_HAS_LINE_BREAK = Message(
    id="property.header_name_has_line_break",
    when="A name in header or csv.ignore_columns has a line break.",
    text="{value!r} has a line break, which the header of a data file cannot have",
    fix="",
    example={"value": "first\nname"},
)
NOT_ONE_CHARACTER = Message(
    id="property.not_one_character",
    when="The quote is not a single ASCII character.",
    text="{value!r} is not one ASCII character (write a tab as \\t)",
    fix="",
    example={"value": ";;"},
)

# Columns

TOO_MANY_ENTRIES = Message(
    id="columns.too_many",
    when="A list has more entries than a table has columns.",
    text="{size} {what} were given; a table has 1 to {limit} columns",
    fix="",
    example={"size": 1601, "what": "columns", "limit": 1600},
)
NO_COLUMNS = Message(
    id="columns.none",
    when="The list of columns is empty.",
    text="no columns were given; a table has 1 to {limit}",
    fix="",
    example={"limit": 1600},
)
COLUMN_REPEATED = Message(
    id="column.repeated",
    when="Two columns have the same name, or names that differ only in case.",
    text="{name!r} is the same name as columns[{first}] ({first_name!r}): Redshift ignores upper "
    "and lower case; rename one of them",
    fix="",
    example={"name": "É", "first": 0, "first_name": "é"},
)
RENAMES_IN_CIRCLE = Message(
    id="column.renames_in_circle",
    when="The renamed_from properties of columns form a circle.",
    text="the renames of {names} go in a circle; first rename one of them to an unused name, and "
    "the others in a second schema file",
    fix="",
    example={"names": "'a', 'b'"},
)
ENCODING_UNFIT = Message(
    id="column.encoding_unfit",
    when="The encoding cannot store the type of the column.",
    text="the encoding {encoding!r} cannot store {type}; leave encode out, or use one of {choices}",
    fix="",
    example={
        "encoding": "text255",
        "type": "integer",
        "choices": "raw, az64, bytedict, delta, lzo",
    },
)
IDENTITY_TYPE = Message(
    id="column.identity_type",
    when="An identity column is not INTEGER or BIGINT.",
    text="an identity column must be INTEGER or BIGINT, not {type}",
    fix="",
    example={"type": "date"},
)
IDENTITY_NULLABLE = Message(
    id="column.identity_nullable",
    when="An identity column is nullable or has a default.",
    text="an identity column cannot be nullable or have a default; remove those properties",
    fix="",
    example={},
)
IDENTITY_STEP = Message(
    id="column.identity_step",
    when="The step of an identity column is 0.",
    text="the step is 0, so every row would get the same number; use another step",
    fix="",
    example={},
)
PATTERN_UNKNOWN_LETTERS = Message(
    id="csv.pattern_unknown_letters",
    when="csv.date_format or csv.time_format has letters that are no part of a date or time.",
    text="the format {value!r} has {letters}, which COPY does not know; it knows {known}",
    fix="Write for example YYYY-MM-DD or YYYY-MM-DD HH24:MI:SS; or 'auto'",
    example={"value": "%Y-%m-%d", "letters": "'Y', 'm', 'd'", "known": "YYYY, MM, DD"},
)
PATTERN_REPEATS = Message(
    id="csv.pattern_repeats",
    when="csv.date_format or csv.time_format names one part of a date or time more than once.",
    text="the format {value!r} names the {part} {count} times",
    fix="Name each part once; minutes are MI, months are MM",
    example={"value": "DD/MM/YYYY HH:MM", "part": "month", "count": 2},
)
PATTERN_INCOMPLETE = Message(
    id="csv.pattern_incomplete",
    when="csv.date_format or csv.time_format names no year, no month or no day.",
    text="the format {value!r} does not name: {missing}",
    fix="A date needs a year, a month and a day, such as YYYY-MM-DD",
    example={"value": "DD.MM.", "missing": "year"},
)
NUMBER_UNFIT = Message(
    id="column.number_unfit",
    when="A default or the seed of an identity is not a number of the column's type.",
    text="{value} is not a number that fits {type}",
    fix="",
    example={"value": "40000", "type": "smallint"},
)
DEFAULT_INVALID = Message(
    id="default.invalid",
    when="A default is a list or an object.",
    text='{value} is not a text, a number, true, false or {{"function": "SYSDATE"}} ({functions})',
    fix="",
    example={"value": "[1]", "functions": "SYSDATE, GETDATE, CURRENT_DATE"},
)
DEFAULT_FUNCTION_UNFIT = Message(
    id="default.function_unfit",
    when="A default is a function, and the column is not a date or timestamp.",
    text="a function gives a date or a time and does not fit {type}",
    fix="",
    example={"type": "integer"},
)
DEFAULT_NOT_BOOLEAN = Message(
    id="default.not_boolean",
    when="The default of a BOOLEAN column is not a boolean.",
    text="{value} is not true or false, which {type} needs",
    fix="",
    example={"value": '"yes"', "type": "boolean"},
)
DEFAULT_NOT_TEXT = Message(
    id="default.not_text",
    when="The default is a number or a boolean, and the column's type needs a text.",
    text="{value} is not a text, which {type} needs; write it in quotes",
    fix="",
    example={"value": "1.5", "type": "character varying(9)"},
)
DEFAULT_NOT_DATETIME = Message(
    id="default.not_datetime",
    when="The default of a date or time column is not written in the one form that is always read in the same way.",
    text="{value} is not a date or time written as {example}, which {type} needs",
    fix="",
    example={"value": '"11/22/2026"', "example": "2026-11-22", "type": "date"},
)
DEFAULT_TOO_LONG = Message(
    id="default.too_long",
    when="The default has more bytes than the column.",
    text="{value} has {size} bytes; {type} holds {limit} bytes",
    fix="",
    example={"value": '"ää"', "size": 4, "type": "character varying(3)", "limit": 3},
)

# Keys, distribution, CSV options

KEY_COLUMN_UNKNOWN = Message(
    id="key.column_unknown",
    when="A key names a column that the file does not have.",
    text="{name!r} is not one of the columns",
    fix="",
    example={"name": "day"},
)
KEY_COLUMN_NULLABLE = Message(
    id="key.column_nullable",
    when="A column of the primary key has nullable: true.",
    text="the column {name!r} is nullable; a primary key's columns are not; remove nullable",
    fix="",
    example={"name": "id"},
)
KEY_COLUMN_TYPE = Message(
    id="key.column_type",
    when="The type of a column cannot be a distribution or sort key.",
    text="the column {name!r} is {type}, which cannot be a {part}; choose another column",
    fix="",
    example={"name": "payload", "type": "super", "part": "sortkey"},
)
KEY_COLUMN_TWICE = Message(
    id="key.column_twice",
    when="A key names a column twice.",
    text="names a column twice",
    fix="",
    example={},
)
UPSERT_WITHOUT_KEY = Message(
    id="upsert.without_key",
    when="allowed_operations lists upsert, and the file has no primary_key.",
    text="upsert replaces the rows with the same primary key; add primary_key, or remove upsert",
    fix="",
    example={},
)
UPSERT_KEY_TYPE = Message(
    id="upsert.key_type",
    when="allowed_operations lists upsert, and the type of a column of the primary key cannot be compared exactly.",
    text="the column {name!r} is {type}, by which an upsert cannot find rows; choose another column, or remove upsert",
    fix="",
    example={"name": "price", "type": "double precision"},
)
UPSERT_KEY_GENERATED = Message(
    id="upsert.key_generated",
    when="allowed_operations lists upsert, and the warehouse makes the values of a column of the primary key.",
    text="the values of {name!r} are made when a row is loaded, so no file has them; choose another "
    "column, or remove upsert",
    fix="",
    example={"name": "id"},
)
DISTSTYLE_WITH_DISTKEY = Message(
    id="diststyle.with_distkey",
    when="The file has a distkey and a diststyle other than KEY.",
    text="{style} cannot be combined with a distkey; write KEY or leave diststyle out",
    fix="",
    example={"style": "EVEN"},
)
DISTSTYLE_WITHOUT_DISTKEY = Message(
    id="diststyle.without_distkey",
    when="The diststyle is KEY, and the file has no distkey.",
    text="KEY needs a distkey; add distkey, or use another diststyle",
    fix="",
    example={},
)
HEADER_NAME_TWICE = Message(
    id="column.header_twice",
    when="A name of a header would mean two columns, or a column that is also ignored.",
    text="the header name {name!r} already means {other}; upper and lower case are the same",
    fix="",
    example={"name": "Id", "other": "columns[0] ('id')"},
)
HEADER_OF_IDENTITY = Message(
    id="column.header_of_identity",
    when="An identity column has a header.",
    text="an identity column is not in the data files; remove header",
    fix="",
    example={},
)
OPTION_WITHOUT_HEADER = Message(
    id="csv.option_without_header",
    when="csv.header is none, and another option refers to the header of the files.",
    text="needs a header, but csv.header is none; remove one of the two",
    fix="",
    example={},
)
QUOTE_IS_DELIMITER = Message(
    id="csv.quote_is_delimiter",
    when="The delimiter and the quote are the same character.",
    text="is the same character as the delimiter; choose another one",
    fix="",
    example={},
)

# Column types

TYPE_UNREADABLE = Message(
    id="type.unreadable",
    when="The text does not have the form of a column type.",
    text="{text!r} is not a column type; write one such as INTEGER, VARCHAR(100) or NUMERIC(18,2)",
    fix="",
    example={"text": "VARCHAR(10"},
)
TYPE_UNKNOWN = Message(
    id="type.unknown",
    when="Redshift has no type of this name.",
    text="{text!r} is not a column type of Redshift; known are {known} and more (the JSON Schema "
    "of schema files lists all)",
    fix="",
    example={"text": "UUID", "known": "VARCHAR(n), INTEGER, NUMERIC(p,s), TIMESTAMP, BOOLEAN"},
)
TYPE_FOREIGN = Message(
    id="type.foreign",
    when="The type is one of another database.",
    text="{text!r} is not a column type of Redshift; write {meant}",
    fix="",
    example={"text": "DATETIME", "meant": "TIMESTAMP"},
)
TYPE_MISSPELT = Message(
    id="type.misspelled",
    when="The type is not known, and a type of Redshift has a similar name.",
    text="{text!r} is not a column type of Redshift; did you mean {meant}?",
    fix="",
    example={"text": "INTERGER", "meant": "INTEGER"},
)
WARN_TYPE_LIMIT = Message(
    id="schema_warning.type_limit",
    when="A type without a length or precision has a limit that it does not show. The file is accepted.",
    text="column {name!r}: {text} means {meant}, which {limit}",
    fix="Write {better} to say what you mean",
    example={
        "name": "price",
        "text": "DECIMAL",
        "meant": "NUMERIC(18,0)",
        "limit": "keeps no decimals",
        "better": "NUMERIC(18,2)",
    },
)
WARN_SCHEMA_FINAL = Message(
    id="schema_warning.final",
    when="allowed_operations does not list schema. The file is accepted.",
    text='allowed_operations does not list "schema": no later schema file has permission to change '
    "this table",
    fix='Add "schema" to allowed_operations unless that is intended',
    example={},
)
TYPE_ARGUMENTS = Message(
    id="type.arguments",
    when="An argument of a type is not a whole number.",
    text="{text!r}: the arguments of a type are whole numbers, such as VARCHAR(100) or NUMERIC(18,2)",
    fix="",
    example={"text": "NUMERIC(5,-1)"},
)
TYPE_WITHOUT_ARGUMENTS = Message(
    id="type.without_arguments",
    when="A type has arguments that Redshift does not accept.",
    text="{text!r}: {type} takes no arguments in Redshift; write {type}",
    fix="",
    example={"text": "TIMESTAMP(6)", "type": "TIMESTAMP"},
)
TYPE_WITHOUT_LENGTH = Message(
    id="type.without_length",
    when="TEXT or BPCHAR has a length.",
    text="{text!r}: {type} takes no length in Redshift; it is {size} bytes. Write VARCHAR(n) or CHAR(n)",
    fix="",
    example={"text": "TEXT(10)", "type": "TEXT", "size": 256},
)
TYPE_LENGTH = Message(
    id="type.length",
    when="The length of a type is out of range.",
    text="{text!r}: the length is in bytes, from 1 to {limit}",
    fix="",
    example={"text": "VARCHAR(70000)", "limit": 65535},
)
TYPE_PRECISION = Message(
    id="type.precision",
    when="The precision or scale of NUMERIC is out of range.",
    text="{text!r}: NUMERIC(precision,scale) takes a precision of 1 to {precision} and a scale of "
    "0 to {scale}, not above the precision",
    fix="",
    example={"text": "NUMERIC(39)", "precision": 38, "scale": 37},
)
