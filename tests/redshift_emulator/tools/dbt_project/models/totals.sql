{{ config(materialized='table', dist='customer', sort=['customer'], sort_type='compound') }}
select customer, sum(amount)::numeric(12, 2) as amount, count(*) as payments from {{ ref('payments') }} group by customer
