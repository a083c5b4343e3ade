package identifier

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mask returns the form of a value that people may see: j***@example.com, +86 138****5678, w***23. What is no valid
// e-mail address or phone number begins with a question mark, so that it can be told: ?a***. A masked value, a hash and
// the empty text are returned as they are.
func Mask(k Kind, value string) string {
	if k == KindNone || value == "" || IsHash(value) || IsMasked(value) {
		return value
	}
	switch k {
	case KindEmail:
		normal, ok := normalEmail(value)
		return maskEmail(normal, ok)
	case KindPhone:
		n, ok := parsePhone(value)
		return maskPhone(n, ok, value)
	case KindNone, KindWeChat, KindOther:
	}
	return maskText(strings.TrimSpace(value))
}

func maskEmail(normal string, valid bool) string {
	if !valid {
		return invalidMark + maskText(normal)
	}
	local, domain, _ := strings.Cut(normal, "@")
	shown := ""
	if _, size := utf8.DecodeRuneInString(local); size < len(local) {
		shown = local[:size]
	}
	return shown + stars + "@" + domain
}

// maskPhone shows the first three digits, which name carrier or area, and the last four; of a short number less.
func maskPhone(n phone, valid bool, value string) string {
	if !valid {
		return invalidMark + maskText(strings.TrimSpace(value))
	}
	head, tail := 3, 4
	if len(n.national) < head+tail+3 {
		head, tail = 1, 2
	}
	return "+" + n.country + " " + n.national[:head] + "****" + n.national[len(n.national)-tail:]
}

const (
	stars       = "***"
	invalidMark = "?"
)

// maskText shows of a text's letters and digits the first, and of a longer one also the last two.
func maskText(s string) string {
	runes := slices.DeleteFunc([]rune(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	switch {
	case len(runes) < 3:
		return stars
	case len(runes) < 8:
		return string(runes[:1]) + stars
	}
	return string(runes[:1]) + stars + string(runes[len(runes)-2:])
}

// The most that a masked value may show: more letters or digits than these, and it is no mask but a text with stars.
const (
	shownLetters = 4
	shownDigits  = 10 // +886 912****3678
	shownRun     = 7  // digits without anything between them: 1381234****
)

// IsMasked says whether so much of a value is stars that it gives nobody away: by this package or where it came from.
func IsMasked(value string) bool {
	if !strings.Contains(value, stars) || len(value) > maxLocal+maxDomain {
		return false
	}
	local, domain, isEmail := strings.Cut(value, "@")
	if isEmail && !strings.Contains(local, stars) || strings.Contains(domain, "@") {
		return false
	}
	letters, digits, run := 0, 0, 0
	for _, r := range local {
		if !unicode.IsDigit(r) {
			run = 0
		}
		switch {
		case unicode.IsDigit(r):
			digits++
			if run++; run > shownRun {
				return false
			}
		case unicode.IsLetter(r):
			letters++
		case unicode.IsSpace(r) && r != ' ':
			return false
		}
	}
	if isEmail || letters > 0 {
		return letters+digits <= shownLetters
	}
	return digits <= shownDigits
}
