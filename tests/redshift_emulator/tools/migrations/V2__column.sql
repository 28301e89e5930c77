alter table orders add column price numeric(12, 2) default 0;
create view names as select name from flyway.orders with no schema binding;
