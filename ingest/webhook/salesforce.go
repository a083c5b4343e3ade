package webhook

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// soapAck is what Salesforce takes for success; without it, it sends the message again for 24 hours.
// https://developer.salesforce.com/docs/platform/api/guide/sforce-api-om-outboundmessaging-wsdl.html
const soapAck = `<?xml version="1.0" encoding="UTF-8"?>` +
	`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>` +
	`<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>` +
	`</soapenv:Body></soapenv:Envelope>`

func acknowledge(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.WriteString(w, soapAck)
}

// openSalesforce takes an outbound message, or JSON posted by a flow or trigger of one's own. Salesforce signs
// neither: the secret stands in a header or, for outbound messages, which can set none, in the address; they name the
// organization too. An outbound message becomes what a REST query answers, {"records": [{"attributes":
// {"type": "Lead"}, "Id": …}]}, so that one mapping serves both.
func openSalesforce(in *inn, r *request) ([]byte, error) {
	if err := token(in, r); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(strings.TrimSpace(string(r.body)), "<") {
		return r.body, nil
	}
	envelope, err := xmlObject(r.body)
	if err != nil {
		return nil, fmt.Errorf("the outbound message is not XML: %w", err)
	}
	body, _ := envelope["Body"].(map[string]any)
	all, _ := body["notifications"].(map[string]any)
	organization, _ := all["OrganizationId"].(string)
	if !sameID(organization, in.Proof.Receiver) {
		return nil, refuse("the message is of organization %q, not %q: compare receiver", organization, in.Proof.Receiver)
	}
	records := []any{}
	for _, n := range list(all["Notification"]) {
		notification, _ := n.(map[string]any)
		record, ok := notification["sObject"].(map[string]any)
		if !ok {
			continue // the record was deleted before the message was sent
		}
		kind, _ := record["@type"].(string)
		_, local, prefixed := strings.Cut(kind, ":")
		if !prefixed {
			local = kind
		}
		delete(record, "@type")
		record["attributes"] = map[string]any{"type": local}
		records = append(records, record)
	}
	return json.Marshal(map[string]any{"records": records})
}

// sameID compares ids of Salesforce, whose 18 characters are the 15 and a check for systems without case.
func sameID(a, b string) bool {
	return len(a) >= 15 && len(b) >= 15 && a[:15] == b[:15]
}

// list is one value or several as XML tells them: as a list of one or several.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}
