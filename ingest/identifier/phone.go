package identifier

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// homeRegion is where a number without a country code is from.
const homeRegion = "CN"

// phone is a valid phone number.
type phone struct {
	// country is the calling code, national the number without it and without a leading 0.
	country, national string
	// extension is that of a switchboard: two desks of one company are two people.
	extension string
}

func (n phone) e164() string {
	text := "+" + n.country + n.national
	if n.extension != "" {
		text += ";ext=" + n.extension
	}
	return text
}

// extensionWords are how Chinese writes an extension.
var extensionWords = strings.NewReplacer("转接", " ext ", "转", " ext ", "分机", " ext ")

// parsePhone reads a number as people write it, with spaces, dashes, brackets and full-width digits. Chinese mobile
// numbers, which are most, are read here; all others by Google's rules for each country.
func parsePhone(value string) (n phone, ok bool) {
	text := fold(strings.TrimSpace(value))
	if national, ok := chineseMobile(text); ok {
		return phone{country: "86", national: national}, true
	}
	if !isASCII(text) {
		text = extensionWords.Replace(text)
	}
	parsed, err := phonenumbers.Parse(text, homeRegion)
	if err != nil || !phonenumbers.IsValidNumber(parsed) {
		return n, false
	}
	return phone{
		country:  strconv.Itoa(int(parsed.GetCountryCode())),
		national: phonenumbers.GetNationalSignificantNumber(parsed), extension: parsed.GetExtension(),
	}, true
}

// mobileDigits is the length of a Chinese mobile number.
const mobileDigits = 11

// chineseMobile returns the eleven digits of a mobile number of China: 138 0013 8000, +86…, 0086…, 86…, 0138….
func chineseMobile(text string) (national string, ok bool) {
	digits, plus := make([]byte, 0, 24), false
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			if len(digits) == cap(digits) {
				return "", false
			}
			digits = append(digits, c)
		case c == '+' && len(digits) == 0:
			plus = true
		case c == ' ' || c == '-' || c == '(' || c == ')' || c == '.':
		default:
			return "", false
		}
	}
	d := string(digits)
	rest, international := strings.CutPrefix(d, "0086")
	if !international && (plus || len(d) == mobileDigits+2) {
		rest, international = strings.CutPrefix(d, "86")
	}
	switch {
	case international:
		d = rest
	case plus:
		return "", false
	case len(d) == mobileDigits+1:
		d = strings.TrimPrefix(d, "0")
	}
	return d, len(d) == mobileDigits && d[0] == '1' && d[1] >= '3'
}
