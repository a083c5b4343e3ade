package identifier

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Finder looks for one person in bytes of any form: dead letters, reports. It finds the identifiers whose hashes it was
// given, however they are spelt, and ids as they are.
type Finder struct {
	protector *Protector
	hashes    map[string]bool
	// tokens are the names of identifiers without a form of their own.
	tokens []string
	ids    []string
	// seen remembers what was hashed: most words come again and again.
	seen map[string]bool
}

// NewFinder looks for identifiers by their hashes, under their names, and for ids.
func (p *Protector) NewFinder(identifiers map[string][]string, ids []string) *Finder {
	f := &Finder{protector: p, hashes: map[string]bool{}, ids: ids, seen: map[string]bool{}}
	for name, hashes := range identifiers {
		for _, h := range hashes {
			f.hashes[h] = true
		}
		if k := KindOf(name); k == KindWeChat || k == KindOther {
			f.tokens = append(f.tokens, Canonical(name))
		}
	}
	return f
}

var (
	emailInText  = regexp.MustCompile(`[\p{L}\p{N}._+\-]+(@|＠|%40|\\u0040)[\p{L}\p{N}\-]+([.．。][\p{L}\p{N}\-]+)+`)
	phoneInText  = regexp.MustCompile(`[+＋]?[(（]?[0-9０-９][0-9０-９ \-().（）－　]{4,22}[0-9０-９]`)
	mobileInText = regexp.MustCompile(`1[3-9][0-9]{9}`)
	wordInText   = regexp.MustCompile(`[\p{L}\p{N}_\-]{5,64}`)
)

var unescapeAt = strings.NewReplacer("%40", "@", `\u0040`, "@")

// Spans returns where the person stands in a text: the first byte and the one after the last of each place, in no order;
// they may overlap.
func (f *Finder) Spans(text []byte) (spans [][2]int) {
	for _, at := range emailInText.FindAllIndex(text, -1) {
		if f.is("email", unescapeAt.Replace(string(text[at[0]:at[1]]))) {
			spans = append(spans, [2]int(at))
		}
	}
	for _, at := range phoneInText.FindAllIndex(text, -1) {
		if f.is("phone", string(text[at[0]:at[1]])) {
			spans = append(spans, [2]int(at))
		}
	}
	for _, at := range mobileInText.FindAllIndex(text, -1) {
		if f.is("phone", string(text[at[0]:at[1]])) {
			spans = append(spans, [2]int(at))
		}
	}
	if len(f.tokens) > 0 {
		for _, at := range wordInText.FindAllIndex(text, -1) {
			for _, name := range f.tokens {
				if f.is(name, string(text[at[0]:at[1]])) {
					spans = append(spans, [2]int(at))
				}
			}
		}
	}
	for _, id := range f.ids {
		spans = append(spans, idSpans(text, id)...)
	}
	return spans
}

// mostSeen bounds the memory of what was hashed.
const mostSeen = 1 << 17

func (f *Finder) is(name, value string) bool {
	key := name + "\x00" + value
	found, known := f.seen[key]
	if !known {
		if len(f.seen) == mostSeen {
			clear(f.seen)
		}
		found = f.hashes[f.protector.Hash(name, value)]
		f.seen[key] = found
	}
	return found
}

// shortID is the length in bytes up to which an id only counts between quotes, for 17 may be anything.
const shortID = 6

func idSpans(text []byte, id string) (spans [][2]int) {
	if id == "" {
		return nil
	}
	for from := 0; ; {
		i := bytes.Index(text[from:], []byte(id))
		if i < 0 {
			return spans
		}
		at := [2]int{from + i, from + i + len(id)}
		from = at[1]
		before, _ := utf8.DecodeLastRune(text[:at[0]])
		after, _ := utf8.DecodeRune(text[at[1]:])
		if len(id) <= shortID && (before != '"' || after != '"') && len(text) != len(id) {
			continue
		}
		if !isWord(before) && !isWord(after) {
			spans = append(spans, at)
		}
	}
}

func isWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-')
}
