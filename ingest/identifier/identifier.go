// Package identifier protects what names a person: e-mail addresses, phone numbers, WeChat ids and the like. What is
// stored of such a value is a keyed hash, which tells that two records have the same one, and a masked form for people
// to recognise it by. Neither gives the value back.
//
// A hash is "#" and 32 hexadecimal digits. A value that is a hash already, and one that is masked already, stays as it
// is: what was read from a warehouse can be written to it again and gives the same rows.
package identifier

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// Kind is a kind of identifier that names a person.
type Kind string

// The kinds. Values of the last one have no form of their own: they are compared as they are.
const (
	KindNone   Kind = ""
	KindEmail  Kind = "email"
	KindPhone  Kind = "phone"
	KindWeChat Kind = "wechat"
	KindOther  Kind = "other"
)

// InvalidSuffix is added to the name of an identifier whose value is no e-mail address or phone number: what two people
// typed to get past a form does not make them one person. Its hash is of the text as it stands.
const InvalidSuffix = "_invalid"

// MinKey is the least length of a key, in bytes.
const MinKey = 16

// Protector hashes identifiers with a key. It is safe for concurrent use.
type Protector struct {
	key  []byte
	macs sync.Pool
}

// NewProtector returns a protector. Whoever has the key can find out by trial which hash belongs to a known value, so it
// is kept apart from the data. All that writes to one warehouse must have the same key.
func NewProtector(key []byte) (*Protector, error) {
	if len(key) < MinKey {
		return nil, fmt.Errorf("the key of personal identifiers has %d bytes: give it %d or more", len(key), MinKey)
	}
	p := &Protector{key: key}
	p.macs.New = func() any { return hmac.New(sha256.New, p.key) }
	return p, nil
}

// ErrKeyChanged says that a warehouse was filled with another key.
var ErrKeyChanged = errors.New("the key of personal identifiers is not the one that the warehouse was filled with")

// Fingerprint tells keys apart without giving them away.
func (p *Protector) Fingerprint() string { return p.sum("fingerprint", "clew") }

// Hash returns the hash of a value as the identifier of a name: email, phone, wechat, wechat_unionid and so on. Spellings
// of one address or number have one hash. A hash is returned as it is.
func (p *Protector) Hash(name, value string) string {
	if IsHash(value) {
		return value
	}
	normal, _ := Normalise(KindOf(name), value)
	return p.sum(Canonical(name), normal)
}

func (p *Protector) sum(name, value string) string {
	mac := p.macs.Get().(hash.Hash)
	defer p.macs.Put(mac)
	mac.Reset()
	text := make([]byte, 0, 128)
	text = append(text, name...)
	text = append(text, 0)
	text = append(text, value...)
	mac.Write(text)
	var sum [sha256.Size]byte
	mac.Sum(sum[:0])
	return encode(sum[:hashBytes])
}

// hashBytes is how much of the sum is kept: two of a billion values have the same one with a chance below 10⁻²⁰.
const hashBytes = 16

func encode(sum []byte) string {
	var text [1 + 2*hashBytes]byte
	text[0] = '#'
	hex.Encode(text[1:], sum)
	return string(text[:])
}

// IsHash says whether a value is a hash.
func IsHash(value string) bool {
	if len(value) != 1+2*hashBytes || value[0] != '#' {
		return false
	}
	for _, c := range []byte(value[1:]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// personal are the names of identifiers, attributes and properties whose values name a person, in lower case, with the
// name under which the value is hashed: a mobile is a phone.
var personal = map[string]string{
	"email": "email", "e-mail": "email", "e_mail": "email", "mail": "email", "email_address": "email",
	"work_email": "email", "contact_email": "email", "邮箱": "email", "电子邮箱": "email", "邮件": "email", "邮箱地址": "email",
	"phone": "phone", "mobile": "phone", "tel": "phone", "telephone": "phone", "cell": "phone", "cellphone": "phone",
	"phone_number": "phone", "mobile_phone": "phone", "mobilephone": "phone", "work_phone": "phone",
	"contact_phone": "phone", "手机": "phone", "手机号": "phone", "手机号码": "phone", "电话": "phone", "电话号码": "phone",
	"联系电话": "phone", "联系方式": "phone", "whatsapp": "phone",
	"wechat": "wechat", "weixin": "wechat", "wechat_id": "wechat", "wechat_no": "wechat", "微信": "wechat",
	"微信号": "wechat", "contact_wechat": "wechat", "wechat_unionid": "wechat_unionid", "unionid": "wechat_unionid", "union_id": "wechat_unionid",
	"wechat_openid": "wechat_openid", "openid": "wechat_openid", "open_id": "wechat_openid",
	"qq": "qq", "qq号": "qq", "id_card": "id_card", "身份证": "id_card", "身份证号": "id_card", "passport": "passport",
	"护照": "passport",
}

// longestName is more bytes than any name in personal has: longer ones are not looked up.
const longestName = 24

// Canonical is the name under which an identifier is hashed. That of an invalid value is the valid one's: a value that
// is one by newer rules keeps its hash.
func Canonical(name string) string {
	name = strings.TrimSuffix(name, InvalidSuffix)
	if to, ok := lookUp(name); ok {
		return to
	}
	return name
}

func lookUp(name string) (to string, ok bool) {
	if len(name) > longestName {
		return "", false
	}
	if to, ok = personal[name]; ok {
		return to, true
	}
	if lower := strings.ToLower(name); lower != name {
		to, ok = personal[lower]
	}
	return to, ok
}

// KindOf is the kind of what an identifier, attribute or property of that name holds; KindNone where the name does not
// plainly say that it names a person, as the id of a record in a CRM does not.
func KindOf(name string) Kind {
	to, ok := lookUp(strings.TrimSuffix(name, InvalidSuffix))
	if !ok {
		return KindNone
	}
	switch to {
	case "email":
		return KindEmail
	case "phone":
		return KindPhone
	case "wechat":
		return KindWeChat
	}
	return KindOther
}

// Normalise returns the one form of all spellings of a value, and whether it is one of its kind: an e-mail address in
// lower case, a phone number in E.164, anything else without white space around it. Of an invalid value it is the text
// without white space around it.
func Normalise(k Kind, value string) (normal string, valid bool) {
	switch k {
	case KindEmail:
		return normalEmail(value)
	case KindPhone:
		n, ok := parsePhone(value)
		if !ok {
			return strings.TrimSpace(value), false
		}
		return n.e164(), true
	case KindNone, KindWeChat, KindOther:
	}
	normal = strings.TrimSpace(value)
	return normal, normal != ""
}
