package source

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// checkPattern keeps a mapping inside the directory it is given.
func checkPattern(file string) error {
	switch _, err := path.Match(file, ""); {
	case file == "":
		return fmt.Errorf("is missing: name the file, or a pattern such as leads-*.csv")
	case err != nil:
		return fmt.Errorf("is no pattern: close its brackets")
	case path.IsAbs(file) || path.Clean(file) != file || strings.HasPrefix(file, ".."):
		return fmt.Errorf("leaves the directory: name a path inside it, with /")
	}
	return nil
}

// units are what may stand behind a number, and the power of ten each stands for.
var units = []struct {
	text  string
	power int
}{{"%", -2}, {"％", -2}, {"万元", 4}, {"亿元", 8}, {"千", 3}, {"万", 4}, {"亿", 8}, {"元", 0}}

// wide are characters of Chinese typing that stand for those of ASCII.
var wide = strings.NewReplacer("０", "0", "１", "1", "２", "2", "３", "3", "４", "4", "５", "5", "６", "6", "７", "7",
	"８", "8", "９", "9", "．", ".", "，", ",", "－", "-")

// number returns the shortest spelling of a number: 100.0 becomes 100. It takes ¥1,234.50, 12.5万 and 15%, which
// becomes 0.15.
func number(v string) (string, error) {
	if f, err := strconv.ParseFloat(v, 64); err == nil && strings.Trim(v, "0123456789.-") == "" {
		return strconv.FormatFloat(f, 'f', -1, 64), nil
	}
	s := strings.TrimSpace(wide.Replace(v))
	sign := ""
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		sign, s = "-", rest
	}
	for _, mark := range []string{"¥", "￥", "$", "€", "£", "CNY", "RMB", "USD"} {
		s = strings.TrimSpace(strings.TrimPrefix(s, mark))
	}
	power := 0
	for _, u := range units {
		if rest, ok := strings.CutSuffix(s, u.text); ok {
			s, power = strings.TrimSpace(rest), u.power
			break
		}
	}
	s, ok := ungroup(s)
	if power != 0 {
		s += "e" + strconv.Itoa(power)
	}
	f, err := strconv.ParseFloat(sign+s, 64)
	if !ok || err != nil || math.IsInf(f, 0) || math.IsNaN(f) || strings.ContainsAny(s, "xX_") {
		return "", fmt.Errorf("is no number: correct it to one such as 1234.5, 1,234.5, 12.5万 or 15%%, " +
			"or use number:comma for 1.234,5")
	}
	return strconv.FormatFloat(f, 'f', -1, 64), nil
}

// IsNumber says that the change number takes a value.
func IsNumber(v string) bool {
	_, err := number(v)
	return err == nil
}

// grouped is a number with commas between its thousands.
var grouped = regexp.MustCompile(`^-?\d{1,3}(,\d{3})+(\.\d*)?$`)

// ungroup takes the commas out of 1,234,567.8. Other commas are refused: 1,5 is a decimal somewhere.
func ungroup(s string) (string, bool) {
	return strings.ReplaceAll(s, ",", ""), !strings.Contains(s, ",") || grouped.MatchString(s)
}

// numberComma is number for a comma before the decimals and points between the thousands.
func numberComma(v string) (string, error) {
	out, err := number(strings.NewReplacer(".", ",", ",", ".", "\u00a0", "", " ", "").Replace(v))
	if err != nil {
		return "", fmt.Errorf("is no number: correct it to one such as 1.234,50, or use number for 1,234.50")
	}
	return out, nil
}

// booleans are the spellings of yes and no, in lower case.
var booleans = map[string]string{
	"true": "true", "yes": "true", "y": "true", "t": "true", "1": "true", "on": "true",
	"是": "true", "有": "true", "真": "true", "对": "true",
	"false": "false", "no": "false", "n": "false", "f": "false", "0": "false", "off": "false",
	"否": "false", "无": "false", "假": "false", "错": "false", "没有": "false",
}

// boolean spells yes or no as true or false.
func boolean(v string) (string, error) {
	out, ok := booleans[strings.ToLower(strings.TrimSpace(v))]
	if !ok {
		return "", fmt.Errorf("is neither yes nor no: correct it to true, yes, 1, 是 or to false, no, 0, 否")
	}
	return out, nil
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
	if err != nil || n > 9_000_000_000_000_000 || strings.Trim(decimals, "0123456789") != "" || whole+decimals == "" {
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
