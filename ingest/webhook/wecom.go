package webhook

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// WeCom signs and encrypts: SHA-1 of the sorted token, timestamp, nonce and ciphertext; AES-256 in CBC with the first
// 16 bytes of the key as IV, padded to 32 bytes. Weiling took the outside over, with JSON in place of XML.
// https://developer.work.weixin.qq.com/document/path/91144
// https://apifox.com/apidoc/shared-19699d3b-8e70-434a-b516-ce35107d2094/doc-966478

const (
	// aesBlock is what WeCom pads to, twice the block of AES.
	aesBlock = 32
	// aesHead is before the message: 16 random bytes and the length of the message, 4 bytes, big endian.
	aesHead = 20
)

// aesKey decodes AESKey, which is base64 without its last character.
func (p Proof) aesKey() ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(p.AESKey + "=")
	if err != nil || len(p.AESKey) != 43 || len(key) != 32 {
		return nil, errors.New("is no EncodingAESKey: copy the 43 letters and digits from the callback's settings")
	}
	return key, nil
}

func openWecom(in *inn, r *request) ([]byte, error) {
	body, err := xmlObject(r.body)
	if err != nil {
		return nil, refuse("the body is not WeCom's envelope: %v", err)
	}
	text, _ := body["Encrypt"].(string)
	message, err := in.unseal(r.URL.Query(), text)
	if err != nil {
		return nil, err
	}
	inside, err := xmlObject(message)
	if err != nil {
		return nil, fmt.Errorf("the decrypted message is not XML: %w", err)
	}
	return json.Marshal(inside)
}

func challengeWecom(in *inn, q url.Values) (string, error) {
	message, err := in.unseal(q, q.Get("echostr"))
	return string(message), err
}

func openWeiling(in *inn, r *request) ([]byte, error) {
	var body struct {
		Encrypt string `json:"encrypt_msg"`
	}
	if err := json.Unmarshal(r.body, &body); err != nil {
		return nil, refuse("the body is not Weiling's envelope: %v", err)
	}
	return in.unsealEither(r.URL.Query(), body.Encrypt)
}

func challengeWeiling(in *inn, q url.Values) (string, error) {
	message, err := in.unsealEither(q, q.Get("echostr"))
	return string(message), err
}

// unseal checks the signature of a ciphertext and decrypts it. Its error is a *refusal.
func (in *inn) unseal(q url.Values, ciphertext string) ([]byte, error) {
	text, err := in.decrypt(q, ciphertext)
	if err != nil {
		return nil, err
	}
	message, receiver, ok := split(text)
	switch {
	case !ok:
		return nil, refuse("the decrypted text is too short for the length it states: compare aes_key")
	case receiver != in.Proof.Receiver:
		return nil, refuse("the message is for %q, not for %q: compare receiver with the corp id", receiver,
			in.Proof.Receiver)
	}
	return message, nil
}

// unsealEither takes WeCom's layout or the bare message: Weiling's public pages do not say which it is. The receiver
// is compared where it is set and sent.
func (in *inn) unsealEither(q url.Values, ciphertext string) ([]byte, error) {
	text, err := in.decrypt(q, ciphertext)
	if err != nil {
		return nil, err
	}
	message, receiver, ok := split(text)
	if !ok { // where the layout has a length, plain text has letters, which make one far above that of any body
		return text, nil
	}
	if want := in.Proof.Receiver; want != "" && receiver != want {
		return nil, refuse("the message is for %q, not for %q: compare receiver with the app id", receiver, want)
	}
	return message, nil
}

// split parts the text into the message and whom it is for.
func split(text []byte) (message []byte, receiver string, ok bool) {
	if len(text) < aesHead {
		return nil, "", false
	}
	size := uint64(binary.BigEndian.Uint32(text[16:aesHead]))
	if size > uint64(len(text)-aesHead) {
		return nil, "", false
	}
	return text[aesHead : aesHead+size], string(text[aesHead+size:]), true
}

// decrypt checks the signature first, so that only the sender's own texts are ever decrypted.
func (in *inn) decrypt(q url.Values, ciphertext string) ([]byte, error) {
	parts := []string{in.Proof.Secret, q.Get("timestamp"), q.Get("nonce"), ciphertext}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	if err := same(strings.ToLower(q.Get("msg_signature")), hex.EncodeToString(sum[:])); err != nil {
		return nil, err
	}
	text, err := base64.StdEncoding.DecodeString(ciphertext)
	if err != nil || len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, refuse("the ciphertext is not whole blocks in base64")
	}
	block, err := aes.NewCipher(in.aes)
	if err != nil {
		return nil, refuse("aes_key: %v", err)
	}
	cipher.NewCBCDecrypter(block, in.aes[:aes.BlockSize]).CryptBlocks(text, text)
	pad := int(text[len(text)-1])
	if pad < 1 || pad > min(aesBlock, len(text)) {
		return nil, refuse("the padding is wrong: compare aes_key")
	}
	return text[:len(text)-pad], nil
}
