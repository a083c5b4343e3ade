package webhook

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// seal encrypts whole blocks as they are, and signs them.
func seal(t testing.TB, blocks []byte) (url.Values, string) {
	t.Helper()
	key, err := Proof{AESKey: aesKey}.aesKey()
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(blocks))
	cipher.NewCBCEncrypter(block, key[:aes.BlockSize]).CryptBlocks(out, blocks)
	text := base64.StdEncoding.EncodeToString(out)
	parts := []string{wxToken, "1767225600", "n", text}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return url.Values{
		"timestamp": {"1767225600"}, "nonce": {"n"}, "msg_signature": {hex.EncodeToString(sum[:])},
	}, text
}

// pad fills up to whole blocks of 32 bytes, as WeCom does.
func pad(text []byte) []byte {
	n := aesBlock - len(text)%aesBlock
	return append(slices.Clone(text), bytes.Repeat([]byte{byte(n)}, n)...)
}

func envelope(message []byte, receiver string) []byte {
	out := binary.BigEndian.AppendUint32([]byte("0123456789abcdef"), uint32(len(message)))
	return append(append(out, message...), receiver...)
}

func newInn(t testing.TB, p Proof) *inn {
	t.Helper()
	key, err := p.aesKey()
	if err != nil {
		t.Fatal(err)
	}
	return &inn{Source: Source{Proof: p}, aes: key}
}

// TestUnsealRefuses are texts that are rightly signed and still make no message.
func TestUnsealRefuses(t *testing.T) {
	in := newInn(t, Proof{Scheme: "wecom", Secret: wxToken, AESKey: aesKey, Receiver: "ww1"})
	long := envelope([]byte("<xml/>"), "ww1")
	binary.BigEndian.PutUint32(long[16:], 1<<31)
	for _, c := range []struct {
		name   string
		blocks []byte
		want   string
	}{
		{"nothing", nil, "not whole blocks"},
		{"padding of nothing", make([]byte, 32), "padding"},
		{"padding beyond a block", append(make([]byte, 31), 33), "padding"},
		{"padding beyond the text", append(make([]byte, 15), 17), "padding"},
		{"too short for a length", pad(make([]byte, 10)), "too short"},
		{"a length beyond the end", pad(long), "too short"},
		{"for nobody", pad(envelope([]byte("<xml/>"), "")), `for "", not for "ww1"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, text := seal(t, c.blocks)
			message, err := in.unseal(q, text)
			if _, refused := errors.AsType[*refusal](err); !refused || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, %v; want a refusal with %q", message, err, c.want)
			}
		})
	}
}

// TestUnsealEither tells WeCom's layout from the bare text, whatever random bytes the layout begins with.
func TestUnsealEither(t *testing.T) {
	in := newInn(t, Proof{Scheme: "weiling", Secret: wxToken, AESKey: aesKey, Receiver: "wloa1"})
	const message = `{"header":{"event_type":"progress_add"}}`
	layout := envelope([]byte(message), "wloa1")
	for _, text := range []string{message, string(layout), "{" + string(layout[1:])} {
		q, sealed := seal(t, pad([]byte(text)))
		if got, err := in.unsealEither(q, sealed); err != nil || string(got) != message {
			t.Errorf("%q came out as %q, %v", text, got, err)
		}
	}
}

// FuzzUnseal holds that what is sealed comes out as it went in, and that no blocks do harm.
func FuzzUnseal(f *testing.F) {
	f.Add([]byte("<xml><a>1</a></xml>"), "ww1")
	f.Add([]byte("{}"), "")
	f.Fuzz(func(t *testing.T, message []byte, receiver string) {
		if receiver == "" {
			receiver = "ww1"
		}
		in := newInn(t, Proof{Scheme: "wecom", Secret: wxToken, AESKey: aesKey, Receiver: receiver})
		q, text := seal(t, pad(envelope(message, receiver)))
		if got, err := in.unseal(q, text); err != nil || !bytes.Equal(got, message) {
			t.Fatalf("%q came out as %q, %v", message, got, err)
		}
		q, text = seal(t, message[:len(message)/aes.BlockSize*aes.BlockSize])
		_, _ = in.unseal(q, text)
		_, _ = in.unsealEither(q, text)
	})
}
