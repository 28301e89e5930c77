{{ config(materialized='table') }}
select id::integer as id, customer::varchar(20) as customer from {{ ref('payments') }}
