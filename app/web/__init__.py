"""HTML pages: each calls the API's functions in this process and renders what they return."""
