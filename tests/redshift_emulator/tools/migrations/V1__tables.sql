create table orders (id bigint identity(1, 1), name varchar(20), primary key (id)) diststyle all;
insert into orders (name) values ('a; b'), ('c');
