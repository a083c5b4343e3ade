// Package identity finds out which ids are one person. It keeps the table identities, by which the runner of transform
// resolves raw rows:
//
//	identity.Update(ctx, db, from, cfg)  // links of the rows that arrived since from, and what follows from them
//	identity.Rebuild(ctx, db, cfg)       // from all raw rows
//
// What is linked is a function of the raw rows alone: of their contents, not of when or how often or in which order they
// arrived, nor of as_of. That something occurred in a later month says who somebody is in an earlier one too.
//
// # Links
//
// A node is an id that rows come under: lead:ID, anonymous:ID or KIND:VALUE of an identifier.
//
//   - A row that carries several ids links them: all to its lead_id where it has one, else to its anonymous_id, else to the
//     identifier that IdentifierNode names. A former user id given as anonymous_id, as Segment's alias does, is that
//     lead: an anonymous_id of an update that equals the lead_id of any row links the two.
//   - A correction takes back: what an update of a lead states of a kind of identifier replaces what was known of that
//     kind until then, by (occurred_at, event_id). So the lead lets go of the e-mail address that it had by mistake, and
//     of whom it was merged with by it.
//   - An update of a lead with identifiers {"merged_into": "OTHER"} merges it into another lead, whatever they share. The
//     last one counts. Merged into itself, a lead stands apart: an earlier merge is taken back, and shared identifiers
//     merge it with nobody until it is merged into another lead.
//   - An identifier that more than Config.SharedLeads leads come with, as a company's hotline, links nobody; so does an
//     anonymous_id of more than Config.BrowserLeads leads, the browser of a fair or of a clerk. The table identity_shared
//     lists them.
//   - Some kinds say nothing of a person (company, ip, user_agent …) and link nothing. Those of records and clicks
//     (hubspot_deal, gclid …) belong to the lead that first came with them, and merge no two leads.
//
// # Persons
//
// The person of linked nodes is named by the lead seen first, by (first_at, lead_id); a lead that was merged into another
// one names it only where all were. Without a lead it is named by the first identifier KIND:VALUE by name, or else by the
// first anonymous:ID. First_at counts the rows that link: a row with nothing but a lead_id is not read.
package identity
