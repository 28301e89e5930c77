{{ config(materialized='view') }}
select id, customer from {{ ref('payments') }}
