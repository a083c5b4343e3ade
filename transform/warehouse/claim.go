package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"clew/ingest"
)

// A claim makes one writer the owner of partitions, against writers that were paused for any time and do not know that
// they lost them. Two steps of each side meet:
//
//	owner to be   1 writes a larger epoch into ingest_fence   2 waits until no INSERT of an earlier owner runs
//	each INSERT   1 becomes visible as running                2 reads ingest_fence, and sends its rows if it owns it
//
// Each side writes first and reads second. So of a zombie's INSERT and a new owner one sees the other: when the INSERT
// was visible before the owner looked, the owner waits for its end, or kills it, and then asks the tables what they
// hold; when it was not, the zombie reads the fence after the epoch was written, and gives up with nothing sent.
//
// How an INSERT becomes visible before the fence is read for it depends on the way to the warehouse:
//
//   - clickhouse://: preparing the batch starts the statement on the server, which then waits for rows.
//   - In process: the directory belongs to this process, and a table's frontier is locked from before the fence is read
//     until the statement has ended. What comes next waits for it and goes by what it stored.
//   - http:// and https://: the statement reaches the server with its rows, so it reads the fence itself: see fencedSQL.
//
// The tables must be read where they were written: with replicas, the address of all writers is the same one replica.
const (
	beforeCheck = "before the fence is read"
	beforeSend  = "before the rows are sent"
)

// statementPrefix begins the query ids of all writers.
const statementPrefix = "clew-ingest:"

// pollEvery and killAfter are how often a claim looks whether earlier INSERTs have ended, and after how many looks it
// kills them: 10 s, the time that ingest gives a write under way when the group changes.
const pollEvery = 100 * time.Millisecond

var killAfter = 100

// named gives a statement of the writer its id.
func (w *writer) named(ctx context.Context) context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.statements++
	return WithQueryID(ctx, fmt.Sprintf("%s%s:%d", statementPrefix, w.id, w.statements))
}

func (w *writer) look(ctx context.Context, where string) {
	if w.at != nil {
		w.at(ctx, where)
	}
}

// Claim makes a new writer the owner of the logs.
func (s *sink) Claim(ctx context.Context, logs []ingest.Log) (ingest.Claim, error) {
	w := s.db.newWriter()
	w.at = s.at
	if err := w.claim(ctx, logs); err != nil {
		return nil, err
	}
	return w, nil
}

func (w *writer) claim(ctx context.Context, logs []ingest.Log) error {
	fences, err := w.db.fences(ctx, logs)
	if err != nil {
		return err
	}
	w.epochs = map[ingest.Log]uint64{}
	for _, l := range logs {
		w.epochs[l] = fences[l].Epoch + 1
	}
	if err := w.putUp(ctx); err != nil {
		return fmt.Errorf("claim %d partitions in ingest_fence: %w", len(logs), advise(err))
	}
	if err := w.owns(ctx); err != nil {
		return err
	}
	earlier, err := w.db.owners(ctx, logs)
	if err != nil {
		return err
	}
	// Among the owners is the writer itself, of which nothing runs.
	return w.db.awaitEnd(ctx, earlier)
}

// putUp writes the writer's epochs into the fence. After an error some may be there: then the logs are nobody's until
// somebody claims them with a larger one.
func (w *writer) putUp(ctx context.Context) error {
	batch, err := w.db.Insert(ctx, "ingest_fence", []string{"_src", "_partition", "epoch", "owner"})
	if err != nil {
		return err
	}
	defer batch.Abort()
	for l, epoch := range w.epochs {
		if err := batch.Append(l.Source, l.Partition, epoch, w.id); err != nil {
			return err
		}
	}
	return batch.Send()
}

// mayWrite reads the fence, where an INSERT does not do it itself.
func (w *writer) mayWrite(ctx context.Context) error {
	if w.db.overHTTP() {
		return nil
	}
	return w.owns(ctx)
}

// owns makes sure that the writer still owns all its logs.
func (w *writer) owns(ctx context.Context) error {
	if len(w.epochs) == 0 {
		return nil
	}
	var logs []ingest.Log
	for l := range w.epochs {
		logs = append(logs, l)
	}
	fences, err := w.db.fences(ctx, logs)
	if err != nil {
		return err
	}
	for l, epoch := range w.epochs {
		if f := fences[l]; f.Epoch != epoch || f.Owner != w.id {
			return fmt.Errorf("log %d partition %d: %w: epoch %d of %s, after epoch %d of %s",
				l.Source, l.Partition, ingest.ErrFenced, f.Epoch, f.Owner, epoch, w.id)
		}
	}
	return nil
}

// fence is the last claim of a log: of the largest epoch, the largest owner.
type fence struct {
	Source    uint64 `ch:"_src"`
	Partition uint32 `ch:"_partition"`
	Epoch     uint64 `ch:"top"`
	Owner     string `ch:"last"`
}

const fencesSQL = `SELECT _src, _partition, max(epoch) AS top, argMax(owner, (epoch, owner)) AS last
FROM ingest_fence
WHERE arrayExists((s, p) -> _src = s AND _partition = p, {sources:Array(UInt64)}, {partitions:Array(UInt32)})
GROUP BY _src, _partition`

func (db *DB) fences(ctx context.Context, logs []ingest.Log) (map[ingest.Log]fence, error) {
	var rows []fence
	if err := db.Select(ctx, &rows, fencesSQL, logParams(logs)); err != nil {
		return nil, fmt.Errorf("who owns the partitions, by ingest_fence: %w", advise(err))
	}
	found := map[ingest.Log]fence{}
	for _, f := range rows {
		found[ingest.Log{Source: f.Source, Partition: f.Partition}] = f
	}
	return found, nil
}

func logParams(logs []ingest.Log) Params {
	sources, partitions := make([]uint64, len(logs)), make([]uint32, len(logs))
	for i, l := range logs {
		sources[i], partitions[i] = l.Source, l.Partition
	}
	return Params{"sources": sources, "partitions": partitions}
}

const ownersSQL = `SELECT DISTINCT owner
FROM ingest_fence
WHERE arrayExists((s, p) -> _src = s AND _partition = p, {sources:Array(UInt64)}, {partitions:Array(UInt32)})`

// owners are all that ever claimed one of the logs.
func (db *DB) owners(ctx context.Context, logs []ingest.Log) ([]string, error) {
	var rows []struct {
		Owner string `ch:"owner"`
	}
	if err := db.Select(ctx, &rows, ownersSQL, logParams(logs)); err != nil {
		return nil, fmt.Errorf("who owned the partitions, by ingest_fence: %w", advise(err))
	}
	owners := make([]string, len(rows))
	for i, row := range rows {
		owners[i] = row.Owner
	}
	return owners, nil
}

// settle makes sure that no statement of the writer whose answer got lost runs or can still begin: only then the tables
// say what it stored.
func (w *writer) settle(ctx context.Context) error {
	if !w.unsettled {
		return nil
	}
	var err error
	if w.db.overHTTP() && len(w.epochs) > 0 {
		err = w.renew(ctx)
	} else {
		err = w.db.awaitEnd(ctx, []string{w.id})
	}
	w.unsettled = err != nil
	return err
}

// ofOwners picks the writers' statements. A server names them by query_id; the engine in process, which gives ids of
// its own, keeps the name in log_comment.
const ofOwners = `arrayExists(o -> startsWith(query_id, o) OR position(Settings['log_comment'], o) > 0,
    {owners:Array(String)})`

// awaitEnd waits until no statement of the owners runs, and kills those that run on.
func (db *DB) awaitEnd(ctx context.Context, owners []string) error {
	if len(owners) == 0 {
		return nil
	}
	p := Params{"owners": make([]string, len(owners))}
	for i, o := range owners {
		p["owners"].([]string)[i] = statementPrefix + o + ":"
	}
	for looks := 0; ; looks++ {
		n, err := db.running(ctx, p)
		if err != nil {
			return fmt.Errorf("which statements of earlier owners still run: %w: the user needs SELECT on "+
				"system.processes", advise(err))
		}
		if n == 0 {
			return nil
		}
		if looks == killAfter {
			sql := "KILL QUERY /*on_cluster*/ WHERE " + ofOwners + " ASYNC"
			if err := db.Exec(ctx, onCluster(sql, db.cfg.Cluster), p); err != nil {
				return fmt.Errorf("end %d statements of earlier owners of the partitions: %w: the user needs KILL QUERY, "+
					"or end those whose query_id begins with %s by hand", n, advise(err), statementPrefix)
			}
		}
		if err := wait(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// running counts the owners' statements that run, on all replicas.
func (db *DB) running(ctx context.Context, p Params) (uint64, error) {
	var answer []struct {
		N uint64 `ch:"n"`
	}
	if err := db.Select(ctx, &answer, "SELECT count() AS n FROM "+db.Everywhere("system.processes")+" WHERE "+ofOwners, p); err != nil {
		return 0, err
	}
	return answer[0].N, nil
}

// heldSQL asks which logs have a row at or after the last that was done.
const heldSQL = `SELECT DISTINCT _src, _partition
FROM (%s)
WHERE _offset >= {least:UInt64} AND arrayExists((s, p, l) -> _src = s AND _partition = p AND _offset >= l,
    {sources:Array(UInt64)}, {partitions:Array(UInt32)}, {lasts:Array(UInt64)})`

// Reached says where to go on, by what the tables hold.
//
// A log whose last done message is held counts as complete: what is missing before it is found by "verify". One without
// is read again from its first gap. A gap of another kind, as the marker of a transaction, costs a longer reading and
// nothing else, for rows that are held are not written again.
func (w *writer) Reached(ctx context.Context, done map[ingest.Log]ingest.Span) (map[ingest.Log]uint64, error) {
	var logs []ingest.Log
	var lasts []uint64
	reached := map[ingest.Log]uint64{}
	for l, s := range done {
		logs, lasts = append(logs, l), append(lasts, max(s.Next, 1)-1)
	}
	p := logParams(logs)
	p["lasts"], p["least"] = lasts, slices.Min(lasts)
	var held []struct {
		Source    uint64 `ch:"_src"`
		Partition uint32 `ch:"_partition"`
	}
	if err := w.db.Select(ctx, &held, fmt.Sprintf(heldSQL, allPositions(positionTables())), p); err != nil {
		return nil, fmt.Errorf("how far the tables are filled: %w", advise(err))
	}
	for _, h := range held {
		l := ingest.Log{Source: h.Source, Partition: h.Partition}
		reached[l] = done[l].Next
	}
	for l, s := range done {
		if _, ok := reached[l]; ok {
			continue
		}
		if s.Next <= s.First+1 {
			reached[l] = s.First // nothing is held from its last offset on, which is its first
			continue
		}
		n, err := w.db.unbroken(ctx, l, s.First)
		if err != nil {
			return nil, err
		}
		reached[l] = min(s.First+n, s.Next)
	}
	return reached, nil
}

// unbrokenSQL counts the offsets of a log that follow each other without a gap from the first.
const unbrokenSQL = `SELECT count() AS unbroken
FROM (
    SELECT _offset, row_number() OVER (ORDER BY _offset) AS nth
    FROM (
        SELECT DISTINCT _offset
        FROM (%s)
        WHERE _src = {source:UInt64} AND _partition = {partition:UInt32} AND _offset >= {first:UInt64}
    )
)
WHERE _offset = {first:UInt64} + nth - 1`

func (db *DB) unbroken(ctx context.Context, l ingest.Log, first uint64) (uint64, error) {
	var answer []struct {
		N uint64 `ch:"unbroken"`
	}
	err := db.Select(ctx, &answer, fmt.Sprintf(unbrokenSQL, allPositions(positionTables())),
		Params{"source": l.Source, "partition": l.Partition, "first": first})
	if err != nil {
		return 0, fmt.Errorf("where the tables first lack a row: %w", advise(err))
	}
	return answer[0].N, nil
}

// allPositions selects the positions of several tables.
func allPositions(tables []string) string {
	selects := make([]string, len(tables))
	for i, name := range tables {
		selects[i] = "SELECT _src, _partition, _offset FROM " + name
	}
	return strings.Join(selects, " UNION ALL ")
}
