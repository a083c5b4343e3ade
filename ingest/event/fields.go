package event

// fields is what the scanner needs of an event: set reads the value of a field, and is false for a field that is not
// its own. Names are exact: unlike with encoding/json, "Event_ID" is not event_id.
type fields interface {
	set(s *scanner, name string) bool
}

func (h *Header) set(s *scanner, name string) bool {
	switch name {
	case "type":
		s.str((*string)(&h.Type))
	case "event_id":
		s.str(&h.EventID)
	case "occurred_at":
		s.time(&h.OccurredAt)
	case "lead_id":
		s.str(&h.LeadID)
	case "anonymous_id":
		s.str(&h.AnonymousID)
	case "identifiers":
		s.identifiers(&h.Identifiers)
	case "workspace":
		s.str(&h.Workspace)
	default:
		return false
	}
	return true
}

func (e *Touchpoint) set(s *scanner, name string) bool {
	switch name {
	case "channel":
		s.str(&e.Channel)
	case "source":
		s.str(&e.Source)
	case "medium":
		s.str(&e.Medium)
	case "campaign":
		s.str(&e.Campaign)
	case "content":
		s.str(&e.Content)
	case "term":
		s.str(&e.Term)
	case "touch":
		s.str(&e.Touch)
	case "url":
		s.str(&e.URL)
	case "referrer":
		s.str(&e.Referrer)
	default:
		return e.Header.set(s, name)
	}
	return true
}

func (e *Behavior) set(s *scanner, name string) bool {
	switch name {
	case "name":
		s.str(&e.Name)
	case "page_group":
		s.str(&e.PageGroup)
	case "value":
		s.number(&e.Value)
	case "session_id":
		s.str(&e.SessionID)
	case "properties":
		s.scalars(&e.Properties)
	default:
		return e.Header.set(s, name)
	}
	return true
}

func (e *Lead) set(s *scanner, name string) bool {
	switch name {
	case "created_at":
		s.optionalTime(&e.CreatedAt)
	case "contact":
		e.Contact = nil
		if !s.null() {
			e.Contact = &Contact{}
			s.object(e.Contact)
		}
	case "company":
		s.str(&e.Company)
	case "source":
		s.str(&e.Source)
	case "attributes":
		s.scalars(&e.Attributes)
	default:
		return e.Header.set(s, name)
	}
	return true
}

func (p *Contact) set(s *scanner, name string) bool {
	switch name {
	case "name":
		s.str(&p.Name)
	case "phone":
		s.str(&p.Phone)
	case "email":
		s.str(&p.Email)
	case "wechat":
		s.str(&p.WeChat)
	default:
		return false
	}
	return true
}

func (e *Activity) set(s *scanner, name string) bool {
	switch name {
	case "owner":
		s.str(&e.Owner)
	case "method":
		s.str(&e.Method)
	case "duration_s":
		s.number(&e.DurationS)
	case "effective":
		s.hasEffective = s.boolean(&e.Effective)
	case "outcome":
		s.str(&e.Outcome)
	case "next_action":
		s.str(&e.NextAction)
	case "next_at":
		s.optionalTime(&e.NextAt)
	case "emotion":
		s.str(&e.Emotion)
	default:
		return e.Header.set(s, name)
	}
	return true
}

func (e *Stage) set(s *scanner, name string) bool {
	switch name {
	case "stage":
		s.str((*string)(&e.Stage))
	case "amount":
		s.hasAmount = s.number(&e.Amount)
	case "currency":
		s.str(&e.Currency)
	case "reason":
		s.str(&e.Reason)
	default:
		return e.Header.set(s, name)
	}
	return true
}

func (e *Assignment) set(s *scanner, name string) bool {
	switch name {
	case "owner":
		s.str(&e.Owner)
	case "team":
		s.str(&e.Team)
	case "action":
		s.str((*string)(&e.Action))
	default:
		return e.Header.set(s, name)
	}
	return true
}

func (e *Cost) set(s *scanner, name string) bool {
	switch name {
	case "date":
		s.str(&e.Date)
	case "channel":
		s.str(&e.Channel)
	case "campaign":
		s.str(&e.Campaign)
	case "amount":
		s.hasAmount = s.number(&e.Amount)
	case "currency":
		s.str(&e.Currency)
	case "impressions":
		s.count(&e.Impressions)
	case "clicks":
		s.count(&e.Clicks)
	default:
		return e.Header.set(s, name)
	}
	return true
}
