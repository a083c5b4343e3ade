package source

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ArchiveFile is what the manifest says of one file.
type ArchiveFile struct {
	Table string `json:"table"`
	// Month is that of the rows, in UTC, as 2026-01.
	Month string `json:"month"`
	// File is its name inside the archive, with /.
	File  string `json:"file"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	// Hash is the sum over the rows of a hash of their columns: the same rows give the same, in whatever order.
	Hash string `json:"hash"`
	// SHA256 is that of the file.
	SHA256 string `json:"sha256"`
}

// archiveVersion is that of the files' columns and the manifest.
const archiveVersion = 1

// manifestName is the file that makes a directory an archive.
const manifestName = "manifest.json"

// Archive is a directory of Parquet files and what its manifest says of them.
type Archive struct {
	// Dir is where it is.
	Dir string `json:"-"`
	// Version is that of the format.
	Version int `json:"version"`
	// Files are sorted by month and then in the order of ArchiveTables.
	Files []ArchiveFile `json:"files"`
}

// LoadArchive reads the manifest of an archive. The error is an fs.ErrNotExist where there is none.
func LoadArchive(dir string) (*Archive, error) {
	name := filepath.Join(dir, manifestName)
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s is no archive: %w; name a directory that `clew archive` wrote", dir, err)
	}
	a := &Archive{Dir: dir}
	if err := json.Unmarshal(text, a); err != nil {
		return nil, fmt.Errorf("%s: %w; restore it from a copy, or archive into an empty directory", name, err)
	}
	if a.Version != archiveVersion {
		return nil, fmt.Errorf("%s has version %d and this program reads %d: use the program that wrote it",
			name, a.Version, archiveVersion)
	}
	for _, f := range a.Files {
		if !slices.ContainsFunc(ArchiveTables(), func(t ArchiveTable) bool { return t.Name == f.Table }) ||
			!filepath.IsLocal(f.File) {
			return nil, fmt.Errorf("%s lists %q of table %q, which no archive has: use the program that wrote it",
				name, f.File, f.Table)
		}
	}
	return a, nil
}

// OpenArchive is LoadArchive where there is an archive, and begins one where the directory is empty or absent.
func OpenArchive(dir string) (*Archive, error) {
	a, err := LoadArchive(dir)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, archiveFault(dir, err)
	}
	for _, e := range entries {
		// An archive that was broken off before its first file is one table's folder.
		if !slices.ContainsFunc(ArchiveTables(), func(t ArchiveTable) bool { return t.Name == e.Name() }) {
			return nil, fmt.Errorf("%s is no archive and not empty: it has %s; name an empty or new directory", dir, e.Name())
		}
	}
	return &Archive{Dir: dir, Version: archiveVersion}, nil
}

// Find returns the entry of a table and month, and whether its file is there in its full size.
func (a *Archive) Find(table, month string) (entry ArchiveFile, listed, there bool) {
	i := slices.IndexFunc(a.Files, func(f ArchiveFile) bool { return f.Table == table && f.Month == month })
	if i < 0 {
		return ArchiveFile{}, false, false
	}
	info, err := os.Stat(a.path(a.Files[i]))
	return a.Files[i], true, err == nil && info.Size() == a.Files[i].Bytes
}

// Put lists a file, in place of an older one of its table and month, and saves the manifest.
func (a *Archive) Put(f ArchiveFile) error {
	a.Files = slices.DeleteFunc(a.Files, func(o ArchiveFile) bool { return o.Table == f.Table && o.Month == f.Month })
	a.Files = append(a.Files, f)
	slices.SortFunc(a.Files, func(x, y ArchiveFile) int {
		if x.Month != y.Month {
			return strings.Compare(x.Month, y.Month)
		}
		return tableRank(x.Table) - tableRank(y.Table)
	})
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(a.Dir, manifestName), append(text, '\n')); err != nil {
		return archiveFault(a.Dir, err)
	}
	return nil
}

func tableRank(name string) int {
	return slices.IndexFunc(ArchiveTables(), func(t ArchiveTable) bool { return t.Name == name })
}

// replaceFile writes a file so that a crash, of the machine too, leaves the old text or the new.
func replaceFile(name string, text []byte) error {
	f, err := os.Create(name + ".part")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return errors.Join(os.Rename(f.Name(), name), syncDir(filepath.Dir(name)))
}

func (a *Archive) path(f ArchiveFile) string { return filepath.Join(a.Dir, filepath.FromSlash(f.File)) }

// check compares a file with its hash in the manifest.
func (a *Archive) check(f ArchiveFile) error {
	const remedy = "restore it from a copy, or write it anew by `clew archive` where the warehouse still has the month"
	file, err := os.Open(a.path(f))
	if err != nil {
		return fmt.Errorf("archive %s: %w; %s", a.Dir, err, remedy)
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	if err != nil {
		return fmt.Errorf("archive %s: read %s: %w", a.Dir, f.File, err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); n != f.Bytes || got != f.SHA256 {
		return fmt.Errorf("archive %s: %s is not what was written: it has %d bytes with SHA-256 %.12s…, the manifest says "+
			"%d with %.12s…; %s", a.Dir, f.File, n, got, f.Bytes, f.SHA256, remedy)
	}
	return nil
}
