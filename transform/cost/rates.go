package cost

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// written is a rate as it stands in a file.
type written struct {
	Date     string `yaml:"date"`
	Currency string `yaml:"currency"`
	Rate     string `yaml:"rate"`
	line     string
}

// ReadRates reads a file of rates, sorted by currency and day. It is CSV with the columns date, currency and rate in any
// order, or where its name ends in .yaml or .yml a list of these three. The error names every fault, each with its line.
func ReadRates(name string, text []byte) ([]Rate, error) {
	read := readCSV
	if ext := strings.ToLower(filepath.Ext(name)); ext == ".yaml" || ext == ".yml" {
		read = readYAML
	}
	lines, err := read(text)
	if err != nil {
		return nil, fmt.Errorf("exchange rates %s: %w", name, err)
	}
	rates := make([]Rate, len(lines))
	var faults []error
	for i, w := range lines {
		if rates[i], err = w.rate(); err != nil {
			faults = append(faults, fmt.Errorf("exchange rates %s: %s: %w", name, w.line, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	if rates, err = sorted(rates); err != nil {
		return nil, fmt.Errorf("exchange rates %s: %w", name, err)
	}
	return rates, nil
}

func readCSV(text []byte) ([]written, error) {
	// Tables saved by Excel begin with a mark of their encoding.
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	r.TrimLeadingSpace = true
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%w; want the columns date,currency,rate", err)
	}
	if len(rows) == 0 {
		return nil, errors.New("the file is empty: want the columns date,currency,rate")
	}
	places := map[string]int{}
	for _, name := range []string{"date", "currency", "rate"} {
		if places[name] = slices.Index(rows[0], name); places[name] < 0 {
			return nil, fmt.Errorf("there is no column %s in %s: want date,currency,rate", name, strings.Join(rows[0], ","))
		}
	}
	lines := make([]written, len(rows)-1)
	for i, row := range rows[1:] {
		lines[i] = written{row[places["date"]], row[places["currency"]], row[places["rate"]], fmt.Sprint("row ", i+2)}
	}
	return lines, nil
}

func readYAML(text []byte) ([]written, error) {
	var lines []written
	if err := yaml.Load(text, &lines, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("%w; want a list such as [{date: 2026-01-01, currency: USD, rate: 7.2}]", err)
	}
	for i := range lines {
		lines[i].line = fmt.Sprint("rate ", i+1)
	}
	return lines, nil
}

func (w written) rate() (Rate, error) {
	var faults []error
	date, err := time.Parse(time.DateOnly, strings.TrimSpace(w.Date))
	if err != nil {
		faults = append(faults, fmt.Errorf("date %q is no day such as 2026-01-31", w.Date))
	}
	currency := strings.TrimSpace(w.Currency)
	if !code.MatchString(currency) {
		faults = append(faults, fmt.Errorf("currency %q is not three capital letters of ISO 4217, such as USD", w.Currency))
	}
	rate, err := strconv.ParseFloat(strings.TrimSpace(w.Rate), 64)
	if err != nil || !positive(rate) {
		faults = append(faults, fmt.Errorf("rate %q is no number above 0: give what one unit of the currency is worth in "+
			"the currency of the business, such as 7.2", w.Rate))
	}
	return Rate{date, currency, rate}, errors.Join(faults...)
}
