package identifier

import "maps"

// Names are the names of identifiers that name a person, in lower case, each with the name under which its value is
// hashed: email and work_email are one kind.
func Names() map[string]string { return maps.Clone(personal) }
