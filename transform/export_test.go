package transform

// Only computes some tables and what they are computed from.
func (c Config) Only(tables ...string) Config {
	c.tables = tables
	return c
}
