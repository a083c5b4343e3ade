-- 400 bad_order
-- detail: order is {
  "leads": "down"
 }
-- hint: write {"leads":"desc"} or [["leads","desc"]]
