{% macro change() %}
  {% do run_query("update " ~ target.schema ~ ".payments set amount = 6, updated_at = '2026-02-01' where id = 3") %}
{% endmacro %}
