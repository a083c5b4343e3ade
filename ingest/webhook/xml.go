package webhook

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDepth bounds the nesting of XML: it is read by recursion.
const maxDepth = 32

// xmlObject reads an XML document as what JSON would have held: the children of the root by their names without
// prefix, texts as strings, an element that comes several times as a list. Attributes are left out, but xsi:type is
// kept as "@type" and xsi:nil makes null. Entities beyond XML's own five are refused.
func xmlObject(text []byte) (map[string]any, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it has no element")
		}
		if err != nil {
			return nil, err
		}
		if start, ok := t.(xml.StartElement); ok {
			v, err := xmlValue(d, start, 1)
			if err != nil {
				return nil, err
			}
			o, ok := v.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("element %s has no elements inside", start.Name.Local)
			}
			return o, nil
		}
	}
}

func xmlValue(d *xml.Decoder, start xml.StartElement, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d elements", maxDepth)
	}
	object := map[string]any{}
	var text strings.Builder
	null := false
	for _, a := range start.Attr {
		switch a.Name.Local {
		case "type":
			object["@type"] = a.Value
		case "nil":
			null = a.Value == "true"
		}
	}
	for {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			child, err := xmlValue(d, t, depth+1)
			if err != nil {
				return nil, err
			}
			put(object, t.Name.Local, child)
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			return xmlResult(object, text.String(), null), nil
		}
	}
}

func xmlResult(object map[string]any, text string, null bool) any {
	_, typed := object["@type"]
	switch {
	case null:
		return nil
	case len(object) > 1, len(object) == 1 && !typed:
		return object
	}
	return text
}

func put(object map[string]any, name string, child any) {
	switch before := object[name].(type) {
	case nil:
		if _, there := object[name]; there {
			object[name] = []any{nil, child}
			return
		}
		object[name] = child
	case []any:
		object[name] = append(before, child)
	default:
		object[name] = []any{before, child}
	}
}
