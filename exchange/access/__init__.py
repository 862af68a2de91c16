"""Who may do what: roles and permissions as data, the decision as a pure function, the guard on every route."""
