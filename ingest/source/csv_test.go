package source

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll returns the rows of a text and the errors of faulty ones, in order.
func readAll(t testing.TB, r io.Reader, delimiter byte) (header []string, out [][]string, faults []string) {
	t.Helper()
	c, err := openCSV(r, &input{delimiter: delimiter})
	if err != nil {
		return nil, nil, []string{err.Error()}
	}
	for {
		err := c.next()
		if errors.Is(err, io.EOF) {
			return c.header, out, faults
		}
		fault, ok := errors.AsType[*RowError](err)
		switch {
		case ok:
			faults = append(faults, fault.Error())
		case err != nil:
			return c.header, out, append(faults, err.Error())
		default:
			out = append(out, c.texts())
		}
	}
}

// FuzzCSV holds the reader to the one of the standard library wherever that finds no fault, and to itself whatever the
// sizes in which the text arrives.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "a,b\r\n\"x\r\ny\",\"\"\"\"\r\n\r\n", "a\n\"\"\n", "a,b\n1\n", "a,b\n\"x,1\n2,3\n", "a\nb\"c\n", "a,\n,\n",
		"\"a\"b\n", "a,b\n1,\"2", "a,b\n\"1\"\r,2\n", "a\r\n\r\r\n", "\"a\nb\",c\n1,2\n",
	} {
		f.Add(seed, byte(','))
	}
	f.Fuzz(func(t *testing.T, text string, delimiter byte) {
		if strings.IndexByte("\"\r\n", delimiter) >= 0 || delimiter >= 0x80 || delimiter == 0 {
			return
		}
		header, rows, faults := readAll(t, strings.NewReader(text), delimiter)
		header2, rows2, faults2 := readAll(t, iotest.OneByteReader(strings.NewReader(text)), delimiter)
		if !slices.Equal(header, header2) || !slices.EqualFunc(rows, rows2, slices.Equal) || !slices.Equal(faults, faults2) {
			t.Fatalf("byte by byte it reads otherwise: %q %q %q and %q %q %q", header, rows, faults, header2, rows2, faults2)
		}
		standard := csv.NewReader(strings.NewReader(text))
		standard.Comma = rune(delimiter)
		want, err := standard.ReadAll()
		if err != nil || len(want) == 0 {
			return
		}
		if len(faults) > 0 || !slices.EqualFunc(append([][]string{header}, rows...), want, slices.Equal) {
			t.Errorf("%q: got %q %q with faults %q, want %q", text, header, rows, faults, want)
		}
	})
}

// TestCSVRoundTrip writes rows as others write them.
func TestCSVRoundTrip(t *testing.T) {
	want := [][]string{{"a", "b"}, {`say "hi"`, "two\nlines"}, {"", "北京,上海"}, {strings.Repeat("x", 300_000), "\ty "}}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(want); err != nil {
		t.Fatal(err)
	}
	header, rows, faults := readAll(t, &b, ',')
	if len(faults) > 0 || !slices.EqualFunc(append([][]string{header}, rows...), want, slices.Equal) {
		t.Errorf("got %.80q %.80q with faults %q", header, rows, faults)
	}
}
