package identifier

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest local part and domain of an address, in bytes, by RFC 5321.
const (
	maxLocal  = 64
	maxDomain = 255
)

// normalEmail lowers the whole address: in theory the part before the @ may tell cases apart, in practice nobody's does.
func normalEmail(value string) (normal string, valid bool) {
	text := strings.TrimSpace(value)
	local, domain, found := strings.Cut(strings.ToLower(fold(text)), "@")
	domain = strings.ReplaceAll(domain, "。", ".")
	if !found || local == "" || len(local) > maxLocal || strings.ContainsFunc(local, isNoLocal) || !isDomain(domain) {
		return text, false
	}
	return local + "@" + unicodeDomain(domain), true
}

// fold makes ASCII of its full-width forms, as Chinese keyboards type them.
func fold(s string) string {
	if isASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		case r == '\u3000' || r == '\u00a0':
			return ' '
		}
		return r
	}, s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func isNoLocal(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"(),:;<>[\]`, r)
}

// isDomain wants two labels or more of letters, digits and hyphens, in any script.
func isDomain(domain string) bool {
	if len(domain) > maxDomain || !strings.Contains(domain, ".") {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, r := range label {
			if r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				return false
			}
		}
	}
	return true
}

// unicodeDomain gives the labels of an internationalised domain their own letters, as both spellings are in use.
func unicodeDomain(domain string) string {
	if !strings.Contains(domain, "xn--") {
		return domain
	}
	labels := strings.Split(domain, ".")
	for i, label := range labels {
		if code, ok := strings.CutPrefix(label, "xn--"); ok {
			if text, ok := decodePunycode(code); ok {
				labels[i] = text
			}
		}
	}
	return strings.Join(labels, ".")
}

// The parameters of Punycode, RFC 3492 section 5.
const (
	punyBase, punyTMin, punyTMax    = 36, 1, 26
	punySkew, punyDamp, punyInitial = 38, 700, 72
	punyFirst                       = 128
	punyMost                        = 64 // labels have at most 63 bytes
)

// decodePunycode implements RFC 3492 section 6.2 for a label without its prefix.
func decodePunycode(code string) (text string, ok bool) {
	var out []rune
	if i := strings.LastIndexByte(code, '-'); i > 0 {
		out, code = []rune(code[:i]), code[i+1:]
	}
	if len(code) > punyMost {
		return "", false
	}
	n, at, bias := punyFirst, 0, punyInitial
	for len(code) > 0 {
		before, weight := at, 1
		for k := punyBase; ; k += punyBase {
			if code == "" {
				return "", false
			}
			digit, known := punyDigit(code[0])
			code = code[1:]
			at += digit * weight
			if !known || at > 1<<30 {
				return "", false
			}
			t := min(max(k-bias, punyTMin), punyTMax)
			if digit < t {
				break
			}
			weight = min(weight*(punyBase-t), 1<<24)
		}
		count := len(out) + 1
		bias = punyBias(at-before, count, before == 0)
		n, at = n+at/count, at%count
		if n > unicode.MaxRune {
			return "", false
		}
		out = append(out[:at], append([]rune{rune(n)}, out[at:]...)...)
		at++
	}
	return string(out), true
}

func punyDigit(c byte) (digit int, ok bool) {
	switch {
	case c >= 'a' && c <= 'z':
		return int(c - 'a'), true
	case c >= '0' && c <= '9':
		return int(c-'0') + 26, true
	}
	return 0, false
}

func punyBias(delta, count int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / count
	k := 0
	for ; delta > (punyBase-punyTMin)*punyTMax/2; k += punyBase {
		delta /= punyBase - punyTMin
	}
	return k + (punyBase-punyTMin+1)*delta/(delta+punySkew)
}
