-- 400 bad_date_range
-- detail: dateRange is [
    "2026-03-01",
    "2026-02-01",
    "2026-01-01"
   ]
-- hint: use ["2026-01-01", "2026-03-31"], one day, "today", "yesterday", "this month", "last month" or "last 30 days" (days, weeks, months, quarters or years)
