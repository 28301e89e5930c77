{{ config(materialized='incremental', incremental_strategy='merge', unique_key='id', on_schema_change='append_new_columns') }}
select id, customer, amount, updated_at{% if is_incremental() %}, true as again{% endif %}
from {{ ref('payments') }}
{% if is_incremental() %} where id >= (select max(id) from {{ this }}) {% endif %}
