-- Which dead letters were sent again. The letters themselves never change.
CREATE TABLE IF NOT EXISTS dead_letter_replays /*on_cluster*/
(
    _src UInt64,
    _partition UInt32,
    _offset UInt64 COMMENT 'of the letter, not of what was sent',
    at DateTime64(3, 'UTC'),
    event_id String COMMENT 'of the event that was sent; empty where the bytes were sent as they were and are none'
)
ENGINE = /*replicated*/MergeTree
ORDER BY (_src, _partition, _offset, at);
