package infer

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"clew/ingest/source"
)

// column is what the sample shows of one column.
type column struct {
	name   string
	plain  string   // the name in lower case without separators, for comparison
	values []string // those that are there
	rows   int      // of the sample, empty ones included
	shape  shape
	form   string // with shapeTime: the form, empty where it need not be listed
	loose  bool   // with shapeNumber: needs the change number
	kinds  []string
	// more says that there are more different values than kinds holds.
	more   bool
	unique bool
}

// shape is what all values of a column have in common.
type shape int

const (
	shapeEmpty shape = iota
	shapeText
	shapeNumber
	shapeTime
	shapeEmail
	shapePhone
)

// maxKinds is how many different values make a list that one can choose from.
const maxKinds = 60

// nulls are spellings of nothing that exports have.
var nulls = []string{"NULL", "null", "N/A", "n/a", "#N/A", "NaN", "nan", "Select", "-", "--", `\N`}

func columns(s *source.Sample) (out []*column, used []string) {
	for i, name := range s.Columns {
		c := &column{name: name, plain: plainName(name), rows: len(s.Values)}
		for _, row := range s.Values {
			v := row[i]
			if slices.Contains(nulls, v) {
				if !slices.Contains(used, v) {
					used = append(used, v)
				}
				continue
			}
			if v != "" {
				c.values = append(c.values, v)
			}
		}
		c.look()
		out = append(out, c)
	}
	slices.Sort(used)
	return out, used
}

// plainName keeps letters and digits.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

func (c *column) look() {
	seen := map[string]bool{}
	for _, v := range c.values {
		if !seen[v] {
			seen[v] = true
			if len(c.kinds) < maxKinds {
				c.kinds = append(c.kinds, v)
			}
		}
	}
	c.more = len(seen) > maxKinds
	c.unique = len(seen) == c.rows && c.rows > 0
	slices.Sort(c.kinds)
	switch {
	case len(c.values) == 0:
		c.shape = shapeEmpty
	case c.share(email.MatchString) >= 0.9:
		c.shape = shapeEmail
	case c.looksTime():
		c.shape = shapeTime
	case c.share(isPhone) >= 0.9:
		c.shape = shapePhone
	case c.looksNumber():
		c.shape = shapeNumber
	default:
		c.shape = shapeText
	}
}

// share is the part of the values for which something holds, from 0 to 1.
func (c *column) share(holds func(string) bool) float64 {
	n := 0
	for _, v := range c.values {
		if holds(v) {
			n++
		}
	}
	return float64(n) / float64(max(1, len(c.values)))
}

var (
	email = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s.]+$`)
	// Eleven digits of a Chinese mobile, or a number with the + of a country, or with separators as people write them.
	chinese       = regexp.MustCompile(`^(\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}$`)
	international = regexp.MustCompile(`^\+\d[\d ()-]{6,20}$`)
	separated     = regexp.MustCompile(`^\(?\d{2,4}\)?[ -]\d{3,4}[ -]?\d{3,4}$`)
)

func isPhone(v string) bool {
	return chinese.MatchString(v) || international.MatchString(v) || separated.MatchString(v)
}

// forms are the forms of times that are tried, the less ambiguous before the others.
var forms = []string{
	"YYYY-MM-DD hh:mm:ss", "YYYY-MM-DD hh:mm", "YYYY/M/D hh:mm:ss", "YYYY/M/D hh:mm", "YYYY/M/D",
	"YYYY-M-D hh:mm:ss", "YYYY-M-D hh:mm", "YYYY-M-D", "YYYY.M.D hh:mm:ss", "YYYY.M.D hh:mm", "YYYY.M.D",
	"YYYY年M月D日 hh:mm:ss", "YYYY年M月D日 hh:mm", "YYYY年M月D日", "YYYYMMDD",
	"M/D/YYYY hh:mm:ss", "M/D/YYYY hh:mm", "M/D/YYYY h:mm AM", "M/D/YYYY", "D/M/YYYY hh:mm:ss", "D/M/YYYY hh:mm",
	"D/M/YYYY", "D.M.YYYY hh:mm:ss", "D.M.YYYY hh:mm", "D.M.YYYY", "MMM D, YYYY hh:mm", "MMM D, YYYY", "D MMM YYYY",
	"epoch_ms", "epoch_s",
}

// looksTime finds the one form that fits every value.
func (c *column) looksTime() bool {
	if source.IsTime("", c.values) {
		return true
	}
	for _, form := range forms {
		if form == "YYYYMMDD" && c.plain != "" && !named(c.plain, "date", "day", "time", "日期", "时间") {
			continue
		}
		if strings.HasPrefix(form, "epoch") && !named(c.plain, "time", "date", "created", "at", "时间") {
			continue
		}
		if source.IsTime(form, c.values) {
			c.form = form
			return true
		}
	}
	return false
}

// swapped returns the form with day and month the other way round, where every value fits that too.
func (c *column) swapped() string {
	other := strings.NewReplacer("M/D/", "D/M/", "D/M/", "M/D/").Replace(c.form)
	if other != c.form && source.IsTime(other, c.values) {
		return other
	}
	return ""
}

func (c *column) looksNumber() bool {
	for _, v := range c.values {
		if _, err := strconv.ParseFloat(v, 64); err == nil {
			continue
		}
		if !source.IsNumber(v) {
			return false
		}
		c.loose = true
	}
	return true
}

// named says that a plain name contains one of the words.
func named(plain string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(plain, w) })
}
