package event

import (
	"encoding/json"
	"fmt"
)

// Scalar is a JSON string, number or boolean, kept as its text: 5 and "5" are the same value to an analyst. Null is
// the empty text. Objects and arrays are refused.
type Scalar string

// UnmarshalJSON takes the text of a scalar; a number keeps its own spelling.
func (s *Scalar) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case '{', '[':
		return fmt.Errorf("want a string, number or boolean, got %.40s", data)
	case '"':
		return json.Unmarshal(data, (*string)(s))
	case 'n':
		*s = ""
		return nil
	default:
		*s = Scalar(data)
		return nil
	}
}
