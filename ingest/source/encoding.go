package source

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// sampleSize is how much text decides on its encoding, in bytes.
const sampleSize = 64 << 10

// unpack reads through gzip where the content is gzip, whatever the file's name.
func unpack(r io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, sampleSize)
	if start, err := in.Peek(2); err != nil || start[0] != 0x1f || start[1] != 0x8b {
		return in, nil //nolint:nilerr // a file too short to peek into is read as it is
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("it begins as gzip and is none: %w: fetch the file again", err)
	}
	return bufio.NewReaderSize(z, sampleSize), nil
}

// decode turns text into UTF-8. A byte order mark decides on the encoding, else the mapping, else the first bytes that
// are not ASCII.
func decode(in *bufio.Reader, enc encoding.Encoding) (io.Reader, error) {
	start, err := in.Peek(3)
	if err != nil && len(start) < 2 {
		return in, nil // too short for a mark; a fault comes again on reading
	}
	switch {
	case bytes.Equal(start, []byte("\xEF\xBB\xBF")):
		_, err := in.Discard(3)
		return in, err
	case bytes.HasPrefix(start, []byte("\xFF\xFE")), enc == nil && start[1] == 0 && start[0] != 0:
		return strict(in, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)), nil
	case bytes.HasPrefix(start, []byte("\xFE\xFF")), enc == nil && start[0] == 0 && start[1] != 0:
		return strict(in, unicode.UTF16(unicode.BigEndian, unicode.UseBOM)), nil
	case enc == nil:
		return &guess{in: in}, nil
	}
	return strict(in, enc), nil
}

// strict decodes so that bytes which are no text stay what no event can hold: its row is then refused, not stored with
// a replacement character.
func strict(in io.Reader, enc encoding.Encoding) io.Reader {
	return transform.NewReader(in, transform.Chain(enc.NewDecoder(), spoil{}))
}

// spoil turns replacement characters into a byte that is not UTF-8.
type spoil struct{ transform.NopResetter }

// Transform implements transform.Transformer.
func (spoil) Transform(dst, src []byte, atEOF bool) (written, read int, err error) {
	replacement := []byte(string(utf8.RuneError))
	for read < len(src) {
		if written == len(dst) {
			return written, read, transform.ErrShortDst
		}
		rest := src[read:]
		switch {
		case bytes.HasPrefix(rest, replacement):
			dst[written] = 0xFF
			read += len(replacement)
		case len(rest) < len(replacement) && !atEOF && bytes.HasPrefix(replacement, rest):
			return written, read, transform.ErrShortSrc
		default:
			dst[written] = rest[0]
			read++
		}
		written++
	}
	return written, read, nil
}

// guess passes ASCII through until other bytes show whether the text is UTF-8 or GB18030, of which GBK is a part.
type guess struct {
	in  *bufio.Reader
	out io.Reader // once decided
}

func (g *guess) Read(p []byte) (int, error) {
	if g.out != nil {
		return g.out.Read(p)
	}
	if _, err := g.in.Peek(1); err != nil {
		return 0, err
	}
	have, _ := g.in.Peek(min(g.in.Buffered(), len(p)))
	n := 0
	for n < len(have) && have[n] < utf8.RuneSelf {
		n++
	}
	if n > 0 {
		return g.in.Read(p[:n])
	}
	sample, _ := g.in.Peek(sampleSize) // shorter at the end of the file, and that is no fault
	g.out = g.in
	if isGB18030(sample) {
		g.out = strict(g.in, simplifiedchinese.GB18030)
	}
	return g.out.Read(p)
}

// isGB18030 says that a text is not UTF-8 and would be GB18030 without a fault. It may be cut anywhere at its end.
func isGB18030(sample []byte) bool {
	whole := sample
	for i := 0; i < utf8.UTFMax && len(whole) > 0 && !utf8.Valid(whole); i++ {
		whole = whole[:len(whole)-1]
	}
	if utf8.Valid(whole) && len(whole) > 0 {
		return false
	}
	out := make([]byte, 3*len(sample))
	n, _, _ := simplifiedchinese.GB18030.NewDecoder().Transform(out, sample, false) // a cut last character is no fault
	return !bytes.ContainsRune(out[:n], utf8.RuneError)
}

// encodingOf finds an encoding by the names the web knows it by.
func encodingOf(name string) (encoding.Encoding, error) {
	enc, err := htmlindex.Get(name)
	if err != nil {
		return nil, fmt.Errorf("is not known: use utf-8, gb18030, utf-16le, big5, windows-1252 or the like")
	}
	return enc, nil
}
