{{ config(materialized='view', bind=False) }}
select id, amount from {{ ref('payments') }}
