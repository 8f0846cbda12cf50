package csi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"
)

// The folders under a driver's root. Volumes and snapshots hold one directory of data per handle and,
// beside it, HANDLE.json. The last three are for people and tests to write into.
const (
	volumesDir   = "volumes"
	snapshotsDir = "snapshots"
	groupsDir    = "groups"
	faultsDir    = "faults"  // orders to misbehave, see Fault
	writersDir   = "writers" // processes that write a volume, see freezer
	nodesDir     = "nodes"   // one empty file for each node that volumes can be attached to
)

// Volume is what the driver remembers of a volume.
type Volume struct {
	ID        string           `json:"id"`
	Name      string           `json:"name"`
	Capacity  int64            `json:"capacity"`
	Claim     Claim            `json:"claim"`
	Source    Source           `json:"source"`
	Published map[string]Usage `json:"published,omitempty"` // by node
}

// Claim is the PersistentVolumeClaim a volume was made for; empty when the provisioner did not say.
type Claim struct {
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name,omitempty"`
}

// Source is where the first bytes of a volume came from; at most one field is set.
type Source struct {
	Snapshot string `json:"snapshot,omitempty"`
	Volume   string `json:"volume,omitempty"`
}

// Usage is how a volume is attached to a node.
type Usage struct {
	ReadOnly bool   `json:"readOnly"`
	Mode     string `json:"mode"`
}

// Snapshot is what the driver remembers of a snapshot. ReadyAt is absent when it will never be ready.
type Snapshot struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Volume  string     `json:"volume"`
	Group   string     `json:"group,omitempty"`
	Size    int64      `json:"size"`
	Cut     time.Time  `json:"cut"`
	ReadyAt *time.Time `json:"readyAt,omitempty"`
}

// Ready tells whether the snapshot can be restored from at the time now.
func (s *Snapshot) Ready(now time.Time) bool {
	return s.ReadyAt != nil && !now.Before(*s.ReadyAt)
}

// Group is what the driver remembers of a group snapshot.
type Group struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Cut       time.Time `json:"cut"`
	Snapshots []string  `json:"snapshots"`
}

var plainID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,99}$`)

const hashedID = "sha256-"

// idFor turns a name chosen by a caller into a handle that is safe as a file name: the name itself when
// it is plain, otherwise its hash.
func idFor(name string) string {
	if plainID.MatchString(name) && !strings.HasPrefix(name, hashedID) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return hashedID + hex.EncodeToString(sum[:])[:32]
}

// store keeps the records and the data under the root.
type store struct{ root string }

func openStore(root string) (store, error) {
	s := store{root}
	for _, dir := range []string{volumesDir, snapshotsDir, groupsDir, faultsDir, writersDir, nodesDir} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return s, err
		}
	}
	return s, nil
}

// data is the directory that holds the bytes of a volume or snapshot.
func (s store) data(kind, id string) string { return filepath.Join(s.root, kind, id) }

func (s store) record(kind, id string) string { return s.data(kind, id) + ".json" }

// load reads a record into out and reports whether there is one. A handle this driver can not have
// given out does not exist.
func (s store) load(kind, id string, out any) (bool, error) {
	if !plainID.MatchString(id) {
		return false, nil
	}
	raw, err := os.ReadFile(s.record(kind, id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return false, fmt.Errorf("%s: %w", s.record(kind, id), err)
	}
	return true, nil
}

// save writes a record. Data is put in place before its record: only what has a record exists.
func (s store) save(kind, id string, record any) error {
	raw, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(s.record(kind, id), append(raw, '\n'))
}

// remove deletes the record first, so that a half-deleted thing does not exist.
func (s store) remove(kind, id string) error {
	if !plainID.MatchString(id) {
		return nil
	}
	if err := os.Remove(s.record(kind, id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(s.data(kind, id))
}

// list returns the handles of a kind, sorted.
func (s store) list(kind string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.root, kind))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, entry := range entries {
		if id, isRecord := strings.CutSuffix(entry.Name(), ".json"); isRecord && plainID.MatchString(id) {
			ids = append(ids, id)
		}
	}
	sort.Strings(ids)
	return ids, nil
}

// replaceFile writes a file so that a reader sees the old or the new content, never half of one.
func replaceFile(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(content)
	if err := errors.Join(err, temporary.Chmod(0o644), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}
