package source

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
)

// The pieces of a time's form and what package time calls them. Longer ones come first.
var timeTokens = []string{
	"YYYY", "2006", "MM", "01", "DD", "02", "hh", "15", "mm", "04", "ss", "05", "M", "1", "D", "2", "Z", "Z07:00",
}

// layout turns a form such as "YYYY-MM-DD hh:mm:ss" into a layout of package time. A fraction of the seconds may
// follow ss in a value without being in the form.
func layout(form string) (string, error) {
	rest := form
	for i := 0; i < len(timeTokens); i += 2 {
		rest = strings.ReplaceAll(rest, timeTokens[i], "")
	}
	if odd := strings.Trim(rest, " -/.:,T年月日时分秒"); odd != "" || rest == form {
		return "", fmt.Errorf("form %q is not understood: build it from YYYY MM DD M D hh mm ss Z and separators", form)
	}
	return strings.NewReplacer(timeTokens...).Replace(form), nil
}

// checkPattern keeps a mapping inside the directory it is given.
func checkPattern(file string) error {
	switch _, err := path.Match(file, ""); {
	case file == "":
		return fmt.Errorf("is missing: name the file, or a pattern such as leads-*.csv")
	case err != nil:
		return fmt.Errorf("is no pattern: close its brackets")
	case path.IsAbs(file) || path.Clean(file) != file || strings.HasPrefix(file, ".."):
		return fmt.Errorf("leaves the directory: name a path inside it, with /")
	case strings.ToLower(path.Ext(file)) != ".csv":
		return fmt.Errorf("is of no format that can be read: use a .csv file")
	}
	return nil
}

// number returns the shortest spelling of a number: 100.0 becomes 100. Empty stays empty.
func number(v string) (string, error) {
	if v == "" {
		return "", nil
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", fmt.Errorf("is no number: correct it, with a point and without thousands separators")
	}
	return strconv.FormatFloat(f, 'f', -1, 64), nil
}

// share returns the index-th of count shares (index from 1) of an amount with at most two decimals. Shares are whole
// hundredths, whatever the currency, and sum exactly to the amount: the first ones carry what does not divide.
func share(v string, index, count int) (string, error) {
	if v == "" {
		return "", nil
	}
	total, err := hundredths(v)
	if err != nil || count == 0 {
		return "", err
	}
	part, rest := total/int64(count), total%int64(count)
	switch {
	case int64(index) <= rest:
		part++
	case int64(index) <= -rest:
		part--
	}
	sign := ""
	if part < 0 {
		sign, part = "-", -part
	}
	return fmt.Sprintf("%s%d.%02d", sign, part/100, part%100), nil
}

// hundredths reads a decimal exactly. Above 90 trillion a float64 could no longer hold the hundredths.
func hundredths(v string) (int64, error) {
	digits := strings.TrimPrefix(v, "-")
	whole, decimals, _ := strings.Cut(digits, ".")
	trimmed := strings.TrimRight(decimals, "0")
	if len(trimmed) > 2 {
		return 0, fmt.Errorf("has more than two decimals: an amount to be shared must be in hundredths")
	}
	n, err := strconv.ParseUint(whole+(trimmed + "00")[:2], 10, 63)
	if err != nil || n > 9_000_000_000_000_000 || strings.Trim(decimals, "0123456789") != "" {
		return 0, fmt.Errorf("is no amount: correct it, with a point and without thousands separators")
	}
	if digits != v {
		return -int64(n), nil
	}
	return int64(n), nil
}

// maxRepeat bounds the events of one row: above it, the column is more likely wrong than the business large.
const maxRepeat = 1_000_000

// repeats reads how many events a row makes. Empty is none.
func repeats(v string) (int, error) {
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > maxRepeat {
		return 0, fmt.Errorf("is no count of events: correct it to a whole number from 0 to %d", maxRepeat)
	}
	return n, nil
}
