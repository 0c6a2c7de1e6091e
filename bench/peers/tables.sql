-- The tables of fast.py and raw.py: what tutorial.py has, too.
CREATE TABLE tokens (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash varchar(64) NOT NULL UNIQUE
);
CREATE TABLE customers (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name varchar(200) NOT NULL UNIQUE
);
CREATE TABLE purchases (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers,
    item varchar(200) NOT NULL,
    quantity integer NOT NULL
);
CREATE INDEX ix_purchases_customer_id ON purchases (customer_id);
