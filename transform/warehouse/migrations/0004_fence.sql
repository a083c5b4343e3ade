-- When a claim was made, by the warehouse's clock: all owners go by one. It is for people who read the fence.
ALTER TABLE ingest_fence /*on_cluster*/ MODIFY COLUMN at DateTime64(3, 'UTC') DEFAULT now64(3);
