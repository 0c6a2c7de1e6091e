"""How a schema is asked for in HTML. No rules of their own: the schema judges, the form shows its words."""
