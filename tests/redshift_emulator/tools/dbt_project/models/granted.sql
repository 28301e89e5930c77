{{ config(materialized='table', grants={'select': ['dbt_reader']}, backup=false) }}
select 1 as one, {{ dbt.dateadd('day', 1, "'2026-01-01'::timestamp") }} as next_day, {{ dbt.split_part("'a,b'", "','", 2) }} as part
