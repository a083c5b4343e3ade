package embedded

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// handle is a pointer of C's that Go never follows.
type handle = uintptr

// queryFunc is the shape of the two functions that start a statement with parameters.
type queryFunc func(conn handle, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr,
	names, nameLens, values, valueLens unsafe.Pointer, count uintptr) handle

// api is the C interface of libchdb as its header chdb.h declares it.
type api struct {
	connect             func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	closeConn           func(conn unsafe.Pointer)
	setSignalHandlers   func(enabled int32)
	query               queryFunc
	streamQuery         queryFunc
	streamFetch         func(conn, stream handle) handle
	streamCancel        func(conn, stream handle)
	insertStream        func(conn handle, sql unsafe.Pointer, n uintptr, format unsafe.Pointer, formatLen uintptr) handle
	insertAppend        func(stream handle, data unsafe.Pointer, n uintptr) int32
	insertDone          func(stream handle) handle
	insertCancel        func(stream handle)
	insertError         func(stream handle) string
	destroyInsertStream func(stream handle)
	destroyResult       func(result handle)
	resultBuffer        func(result handle) unsafe.Pointer
	resultLength        func(result handle) uintptr
	resultError         func(result handle) string
	classify            func(conn handle, sql unsafe.Pointer, n uintptr, database unsafe.Pointer, databaseLen uintptr,
		out unsafe.Pointer) int32
}

// bind looks up every function. A library too old to have one is named in the error.
func bind(library uintptr) (*api, error) {
	a := &api{}
	for name, fn := range map[string]any{
		"chdb_connect":                     &a.connect,
		"chdb_close_conn":                  &a.closeConn,
		"chdb_set_signal_handlers_enabled": &a.setSignalHandlers,
		"chdb_query_with_params_n":         &a.query,
		"chdb_stream_query_with_params_n":  &a.streamQuery,
		"chdb_stream_fetch_result":         &a.streamFetch,
		"chdb_stream_cancel_query":         &a.streamCancel,
		"chdb_stream_insert_n":             &a.insertStream,
		"chdb_stream_append":               &a.insertAppend,
		"chdb_stream_done":                 &a.insertDone,
		"chdb_stream_cancel_insert":        &a.insertCancel,
		"chdb_stream_insert_error":         &a.insertError,
		"chdb_destroy_insert_stream":       &a.destroyInsertStream,
		"chdb_destroy_query_result":        &a.destroyResult,
		"chdb_result_buffer":               &a.resultBuffer,
		"chdb_result_length":               &a.resultLength,
		"chdb_result_error":                &a.resultError,
		"chdb_classify_query_n":            &a.classify,
	} {
		symbol, err := purego.Dlsym(library, name)
		if err != nil {
			return nil, fmt.Errorf("libchdb has no %s: version 26.7 or later is needed, run `make engine`: %w", name, err)
		}
		purego.RegisterFunc(fn, symbol)
	}
	return a, nil
}

// start runs query or streamQuery. The engine has copied the texts when it returns.
func start(fn queryFunc, conn handle, sql, format string, params map[string]string) handle {
	var p cStrings
	defer p.pins.Unpin()
	text, formatText := p.pin(sql), p.pin(format)
	names, nameLens, values, valueLens := p.arrays(params)
	return fn(conn, text, uintptr(len(sql)), formatText, uintptr(len(format)),
		names, nameLens, values, valueLens, uintptr(len(params)))
}

// startInsert begins an INSERT whose rows follow by insertAppend.
func (a *api) startInsert(conn handle, sql, format string) handle {
	var p cStrings
	defer p.pins.Unpin()
	return a.insertStream(conn, p.pin(sql), uintptr(len(sql)), p.pin(format), uintptr(len(format)))
}

// analysis is chdb_query_analysis_v1.
type analysis struct {
	size       uint32
	statements uint32
	flags      uint32
	class      uint32
}

// The classes that matter here. CHDB_QUERY_READ_ONLY is SELECT, SHOW, DESCRIBE, EXPLAIN, EXISTS and CHECK;
// CHDB_QUERY_CONTROL is what changes the session or the engine, SET and USE among them.
const (
	classReadOnly = 0
	classControl  = 3
)

// analyse parses sql without running it. Text that does not parse has no statements.
func (a *api) analyse(conn handle, sql string) analysis {
	var p cStrings
	defer p.pins.Unpin()
	out := &analysis{}
	out.size = uint32(unsafe.Sizeof(*out))
	p.pins.Pin(out)
	a.classify(conn, p.pin(sql), uintptr(len(sql)), nil, 0, unsafe.Pointer(out))
	return *out
}

// bytes shows the result's data. They are C's, and gone with destroyResult.
func (a *api) bytes(result handle) []byte {
	n := a.resultLength(result)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(a.resultBuffer(result)), n)
}

// cStrings keeps what C looks at in place while a call lasts.
type cStrings struct{ pins runtime.Pinner }

// pin copies s, ends it as C likes it, and says where it is.
func (p *cStrings) pin(s string) unsafe.Pointer {
	b := make([]byte, len(s)+1)
	copy(b, s)
	p.pins.Pin(&b[0])
	return unsafe.Pointer(&b[0])
}

// arrays lays params out as the four arrays the functions take; all nil when there are none.
func (p *cStrings) arrays(params map[string]string) (names, nameLens, values, valueLens unsafe.Pointer) {
	if len(params) == 0 {
		return nil, nil, nil, nil
	}
	var texts [2][]unsafe.Pointer
	var lens [2][]uintptr
	for name, value := range params {
		for i, s := range [2]string{name, value} {
			texts[i], lens[i] = append(texts[i], p.pin(s)), append(lens[i], uintptr(len(s)))
		}
	}
	for i := range texts {
		p.pins.Pin(&texts[i][0])
		p.pins.Pin(&lens[i][0])
	}
	return unsafe.Pointer(&texts[0][0]), unsafe.Pointer(&lens[0][0]),
		unsafe.Pointer(&texts[1][0]), unsafe.Pointer(&lens[1][0])
}

// argv lays arguments out as main's are.
func (p *cStrings) argv(args []string) unsafe.Pointer {
	var texts []unsafe.Pointer
	for _, arg := range args {
		texts = append(texts, p.pin(arg))
	}
	p.pins.Pin(&texts[0])
	return unsafe.Pointer(&texts[0])
}

// push appends data to an INSERT and reports whether it was refused.
func (a *api) push(stream handle, data []byte) (refused bool) {
	var pins runtime.Pinner
	defer pins.Unpin()
	pins.Pin(&data[0])
	return a.insertAppend(stream, unsafe.Pointer(&data[0]), uintptr(len(data))) != 0
}

// drop frees a result once.
func (a *api) drop(result *handle) {
	if *result != 0 {
		a.destroyResult(*result)
		*result = 0
	}
}

// failed is the failure that a result stands for, nil when it stands for none.
func (a *api) failed(result handle) error {
	if text := a.resultError(result); text != "" {
		return engineError(text)
	}
	return nil
}
