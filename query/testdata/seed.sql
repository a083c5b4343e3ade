-- Twelve leads of which one is invalid, two scoring models, and spend in two currencies. As of 2026-04-01 UTC.
INSERT INTO leads (workspace, lead_id, created_at, channel, source, medium, campaign, industry, region, product, owner, team, attributes) VALUES
('default', 'L01', '2025-12-31 16:00:00.000', 'search', 'web', 'cpc', 'spring', 'retail', 'north', 'p1', 'ann', 'east', {'size': '10', 'it''s "odd" \\ 规模': 'yes'}),
('default', 'L02', '2026-01-05 01:30:00.000', 'search', 'web', 'cpc', 'spring', 'retail', 'south', 'p1', 'ann', 'east', {'size': '200'}),
('default', 'L03', '2026-01-31 15:59:59.999', 'search', 'web', 'cpc', 'summer', '', 'north', 'p2', 'bob', 'west', {'size': 'many'}),
('default', 'L04', '2026-01-31 16:00:00.000', 'social', 'app', '', 'Spring Festival', 'school', 'north', 'p2', 'bob', 'west', {}),
('default', 'L05', '2026-02-14 04:00:00.000', 'social', 'app', '', 'Spring Festival', 'school', 'south', 'p2', '', '', {}),
('default', 'L06', '2026-02-15 16:30:00.000', 'social', 'app', '', '', 'school', '', 'p1', '', '', {}),
('default', 'L07', '2026-03-01 00:00:00.000', '', '', '', '', '', '', '', '', '', {}),
('default', 'L08', '2026-03-02 00:00:00.000', '', 'fair', '', '', '', 'north', '', 'ann', 'east', {}),
('default', 'L09', '2026-03-08 15:59:59.000', '线下', 'fair', '', '', '', 'north', '', 'ann', 'east', {}),
('default', 'L10', '2026-03-08 16:00:00.000', '线下', 'fair', '', '', '', 'north', '', 'ann', 'east', {}),
('default', 'L11', '2026-03-31 20:00:00.000', 'search', 'web', 'cpc', 'spring', 'retail', 'north', 'p1', 'bob', 'west', {}),
('default', 'L12', '2026-03-31 21:00:00.000', 'social', 'app', '', '', '', 'north', '', '', '', {'size': '5'});

INSERT INTO watermarks (name, as_of, _ver) VALUES ('transform', '2026-04-01', 1);

INSERT INTO lead_facts (workspace, lead_id, created_at, stage, mql_at, sql_at, opportunity_at, won_at, lost_at, is_invalid, won_amount, won_currency, effective_activities_30d, response_seconds, response_from_creation_seconds, followed_up_24h, days_to_won, flags) VALUES
('default', 'L01', '2025-12-31 16:00:00.000', 'won', '2026-01-02', '2026-01-03', '2026-01-04', '2026-01-10 16:00:00.000', NULL, false, 1000, 'CNY', 3, 3600, 7200, true, 10, []),
('default', 'L02', '2026-01-05 01:30:00.000', 'won', '2026-01-06', NULL, NULL, '2026-02-04 01:30:00.000', NULL, false, 500, 'CNY', 4, 7200, 10800, true, 30, []),
('default', 'L03', '2026-01-31 15:59:59.999', 'lost', '2026-02-01', '2026-02-02', NULL, NULL, '2026-03-01', false, 0, '', 0, NULL, NULL, false, NULL, []),
('default', 'L04', '2026-01-31 16:00:00.000', 'won', NULL, NULL, NULL, '2026-01-30 16:00:00.000', NULL, false, 300, 'USD', 0, NULL, NULL, false, -1, ['won_before_created', 'clamped_time']),
('default', 'L05', '2026-02-14 04:00:00.000', 'sql', '2026-02-15', '2026-02-16', NULL, NULL, NULL, false, 0, '', 2, 18000, 18000, true, NULL, []),
('default', 'L06', '2026-02-15 16:30:00.000', 'mql', '2026-02-16', NULL, NULL, NULL, NULL, false, 0, '', 0, NULL, NULL, false, NULL, []),
('default', 'L07', '2026-03-01 00:00:00.000', 'new', NULL, NULL, NULL, NULL, NULL, false, 0, '', 0, NULL, NULL, false, NULL, []),
('default', 'L08', '2026-03-02 00:00:00.000', 'invalid', NULL, NULL, NULL, NULL, NULL, true, 0, '', 5, 60, 60, true, NULL, []),
('default', 'L09', '2026-03-08 15:59:59.000', 'recycled', NULL, NULL, NULL, NULL, NULL, false, 0, '', 0, NULL, NULL, true, NULL, []),
('default', 'L10', '2026-03-08 16:00:00.000', 'new', NULL, NULL, NULL, NULL, NULL, false, 0, '', 0, NULL, NULL, true, NULL, []),
('default', 'L11', '2026-03-31 20:00:00.000', 'new', NULL, NULL, NULL, NULL, NULL, false, 0, '', 0, NULL, NULL, NULL, NULL, []),
('default', 'L12', '2026-03-31 21:00:00.000', 'new', NULL, NULL, NULL, NULL, NULL, false, 0, '', 0, NULL, NULL, NULL, NULL, []);

INSERT INTO scores (workspace, model, model_hash, lead_id, as_of, total, grade) VALUES
('default', 'starter@1', 'a', 'L01', '2026-04-01', 90, 'A'),
('default', 'starter@1', 'a', 'L02', '2026-04-01', 70, 'B'),
('default', 'starter@1', 'a', 'L03', '2026-04-01', 80, 'A'),
('default', 'starter@1', 'a', 'L08', '2026-04-01', 10, 'C'),
('default', 'abc@2', 'b', 'L01', '2026-03-01', 10, 'C'),
('default', 'abc@2', 'b', 'L04', '2026-03-01', 20, 'C');

INSERT INTO channel_daily (workspace, date, channel, campaign, currency, cost, impressions, clicks, leads, invalid_leads, mqls, sqls, opportunities, won, won_amount) VALUES
('default', '2026-01-01', 'search', 'spring', 'CNY', 100, 1000, 50, 1, 0, 1, 1, 1, 1, 1000),
('default', '2026-01-05', 'search', 'spring', 'CNY', 50, 500, 20, 1, 0, 1, 0, 0, 1, 0),
('default', '2026-01-05', 'search', 'spring', 'USD', 0, 0, 0, 0, 0, 0, 0, 0, 0, 500),
('default', '2026-01-31', 'search', 'summer', '', 0, 0, 0, 1, 0, 1, 1, 0, 0, 0),
('default', '2026-02-01', 'social', 'Spring Festival', 'CNY', 30, 10, 3, 1, 0, 0, 0, 0, 1, 300),
('default', '2026-02-01', 'social', 'Spring Festival', 'USD', 10, 5, 1, 0, 0, 0, 0, 0, 0, 0),
('default', '2026-02-14', 'social', 'Spring Festival', 'CNY', 0, 0, 0, 1, 0, 1, 1, 0, 0, 0),
('default', '2026-02-16', 'social', '', '', 0, 0, 0, 1, 0, 1, 0, 0, 0, 0),
('default', '2026-03-01', 'display', '', 'CNY', 25, 100, 0, 0, 0, 0, 0, 0, 0, 0),
('default', '2026-03-02', '', '', '', 0, 0, 0, 0, 1, 0, 0, 0, 0, 0);
