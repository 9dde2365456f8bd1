"""The op table, a module for each family; `kconvert_schemas.opset` puts them together."""
