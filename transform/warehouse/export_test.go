package warehouse

// RawColumns lists, by table, the columns that the sink writes.
func RawColumns() map[string][]string {
	columns := map[string][]string{deadLetters.name: deadLetters.columns()}
	for _, t := range rawTables {
		columns[t.name] = t.columns()
	}
	return columns
}

// Split and OnCluster are what Migrate does with a file's text; ParamText is what it does with a parameter.
var (
	Split     = split
	OnCluster = onCluster
	ParamText = paramText
)
