package csi

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func newDriver(t *testing.T) *Driver {
	t.Helper()
	d, err := New(Options{Name: "test.csi.holdfast.dev", Root: t.TempDir(), Node: "node-a", Attach: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// newVolume makes a volume for the claim shop/NAME and returns its handle and directory.
func newVolume(t *testing.T, d *Driver, name string) (id, dir string) {
	t.Helper()
	answer, err := d.CreateVolume(context.Background(), &csi.CreateVolumeRequest{
		Name:          name,
		CapacityRange: &csi.CapacityRange{RequiredBytes: 1 << 20},
		Parameters:    map[string]string{claimNamespaceParameter: "shop", claimNameParameter: name},
		VolumeCapabilities: []*csi.VolumeCapability{{
			AccessType: &csi.VolumeCapability_Mount{Mount: &csi.VolumeCapability_MountVolume{}},
			AccessMode: &csi.VolumeCapability_AccessMode{Mode: csi.VolumeCapability_AccessMode_SINGLE_NODE_WRITER},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return answer.Volume.VolumeId, d.store.data(volumesDir, answer.Volume.VolumeId)
}

func snapshotOf(d *Driver, volume, name string) (*csi.Snapshot, error) {
	answer, err := d.CreateSnapshot(context.Background(), &csi.CreateSnapshotRequest{Name: name, SourceVolumeId: volume})
	return answer.GetSnapshot(), err
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotKeepsBytes(t *testing.T) {
	d := newDriver(t)
	volume, dir := newVolume(t, d, "data")
	write(t, dir+"/rows", "old")
	snapshot, err := snapshotOf(d, volume, "one")
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/rows", "new")
	kept, err := os.ReadFile(filepath.Join(d.store.data(snapshotsDir, snapshot.SnapshotId), "rows"))
	if err != nil || string(kept) != "old" {
		t.Errorf("the snapshot holds %q (%v)", kept, err)
	}
}

func TestHandlesStayInTheRoot(t *testing.T) {
	for _, name := range []string{"../../etc", "a/b", ".", "..", "a.json", "", strings.Repeat("x", 200), "sha256-of-something"} {
		if id := idFor(name); !plainID.MatchString(id) || id == name {
			t.Errorf("the handle for %q is %q", name, id)
		}
	}
	d := newDriver(t)
	outside := filepath.Join(filepath.Dir(d.store.root), "outside.json")
	write(t, outside, "{}")
	_, err := d.DeleteVolume(context.Background(), &csi.DeleteVolumeRequest{VolumeId: "../../outside"})
	if _, gone := os.Stat(outside); err != nil || gone != nil {
		t.Errorf("delete of a strange handle: %v, %v", err, gone)
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name, file, order string
		check             func(t *testing.T, take func() (*csi.Snapshot, error))
	}{
		{"refuse", "shop/data", `{"refuse": true}`, func(t *testing.T, take func() (*csi.Snapshot, error)) {
			if _, err := take(); status.Code(err) != codes.FailedPrecondition {
				t.Errorf("got %v", err)
			}
		}},
		{"error always, with a code", "shop/*", `{"error_always": "full", "code": "RESOURCE_EXHAUSTED"}`, func(t *testing.T, take func() (*csi.Snapshot, error)) {
			for range 2 {
				if _, err := take(); status.Code(err) != codes.ResourceExhausted || status.Convert(err).Message() != "full" {
					t.Errorf("got %v", err)
				}
			}
		}},
		{"error once", "*", `{"error_once": "busy", "never_ready": true}`, func(t *testing.T, take func() (*csi.Snapshot, error)) {
			if _, err := take(); status.Code(err) != codes.Internal {
				t.Errorf("first call: %v", err)
			}
			if s, err := take(); err != nil || s.ReadyToUse {
				t.Errorf("second call: %v, %v", s, err)
			}
		}},
		{"ready later", "shop/data", `{"ready_after": 0.2}`, func(t *testing.T, take func() (*csi.Snapshot, error)) {
			if s, err := take(); err != nil || s.ReadyToUse || s.CreationTime == nil {
				t.Errorf("at once: %v, %v", s, err)
			}
			time.Sleep(250 * time.Millisecond)
			if s, err := take(); err != nil || !s.ReadyToUse {
				t.Errorf("later: %v, %v", s, err)
			}
		}},
		{"wrong size", "shop/data", `{"wrong_size": true}`, func(t *testing.T, take func() (*csi.Snapshot, error)) {
			if s, err := take(); err != nil || s.SizeBytes != 2<<20+1 {
				t.Errorf("got %v, %v", s, err)
			}
		}},
		{"of another claim", "shop/other", `{"refuse": true}`, func(t *testing.T, take func() (*csi.Snapshot, error)) {
			if s, err := take(); err != nil || !s.ReadyToUse {
				t.Errorf("got %v, %v", s, err)
			}
		}},
		{"not an order", "shop/data", `{`, func(t *testing.T, take func() (*csi.Snapshot, error)) {
			if _, err := take(); err == nil || !strings.Contains(err.Error(), "fault file") {
				t.Errorf("got %v", err)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDriver(t)
			volume, _ := newVolume(t, d, "data")
			write(t, filepath.Join(d.faults.dir, test.file), test.order)
			test.check(t, func() (*csi.Snapshot, error) { return snapshotOf(d, volume, "one") })
		})
	}
}

// A writer puts the same counter into two volumes, one after the other, as fast as it can. In a group
// snapshot the second is never ahead of the first, nor more than the one step behind that a writer that
// was stopped between the two leaves.
func TestGroupIsCutAtOneMoment(t *testing.T) {
	d := newDriver(t)
	first, firstDir := newVolume(t, d, "first")
	second, secondDir := newVolume(t, d, "second")
	for i := range 200 { // something to copy, so that the copies take a while
		write(t, fmt.Sprintf("%s/filler-%d", firstDir, i), strings.Repeat("x", 10000))
	}
	// The inner shell writes: descendants of a registered process are stopped with it.
	script := `i=0; while :; do i=$((i+1)); echo $i > "$0/n.new"; mv "$0/n.new" "$0/n"; echo $i > "$1/n.new"; mv "$1/n.new" "$1/n"; done & wait`
	writer := exec.Command("sh", "-c", script, firstDir, secondDir)
	stopWithChildren(t, writer)
	for _, volume := range []string{first, second} {
		write(t, filepath.Join(d.frozen.dir, volume), fmt.Sprintln(writer.Process.Pid))
	}
	waitFor(t, func() bool { return counter(secondDir) > 0 })
	for round := range 5 {
		answer, err := d.CreateVolumeGroupSnapshot(context.Background(), &csi.CreateVolumeGroupSnapshotRequest{
			Name: fmt.Sprintf("group-%d", round), SourceVolumeIds: []string{first, second},
		})
		if err != nil {
			t.Fatal(err)
		}
		cut := map[string]int{}
		for _, s := range answer.GroupSnapshot.Snapshots {
			cut[s.SourceVolumeId] = counter(d.store.data(snapshotsDir, s.SnapshotId))
		}
		if ahead := cut[first] - cut[second]; ahead < 0 || ahead > 1 {
			t.Errorf("round %d: first has %d, second has %d", round, cut[first], cut[second])
		}
		seen := counter(secondDir)
		waitFor(t, func() bool { return counter(secondDir) > seen }) // the writer runs again
	}
}

func TestWriterRunsAgainAfterAnError(t *testing.T) {
	d := newDriver(t)
	volume, dir := newVolume(t, d, "data")
	writer := exec.Command("sh", "-c", `i=0; while :; do i=$((i+1)); echo $i > "$0/n.new"; mv "$0/n.new" "$0/n"; done`, dir)
	stopWithChildren(t, writer)
	write(t, filepath.Join(d.frozen.dir, volume), fmt.Sprintf("%d\nnonsense\n", writer.Process.Pid))
	if _, err := snapshotOf(d, volume, "one"); err == nil {
		t.Error("a file that is not a list of processes was taken for one")
	}
	write(t, filepath.Join(d.frozen.dir, volume), fmt.Sprintln(writer.Process.Pid))
	if err := os.RemoveAll(filepath.Join(d.store.root, snapshotsDir)); err != nil { // the copy fails
		t.Fatal(err)
	}
	if _, err := snapshotOf(d, volume, "two"); err == nil {
		t.Error("a snapshot without a place for it succeeded")
	}
	seen := counter(dir)
	waitFor(t, func() bool { return counter(dir) > seen })
}

// A driver that was killed while it copied leaves writers stopped; the next one lets them run.
func TestNewDriverThawsWriters(t *testing.T) {
	d := newDriver(t)
	volume, dir := newVolume(t, d, "data")
	writer := exec.Command("sh", "-c", `i=0; while :; do i=$((i+1)); echo $i > "$0/n.new"; mv "$0/n.new" "$0/n"; done`, dir)
	stopWithChildren(t, writer)
	write(t, filepath.Join(d.frozen.dir, volume), fmt.Sprintln(writer.Process.Pid))
	if _, err := d.frozen.freeze([]string{volume}); err != nil {
		t.Fatal(err)
	}
	seen := counter(dir)
	if _, err := New(Options{Name: "again", Root: d.store.root}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return counter(dir) > seen })
}

// stopWithChildren starts a command and makes sure that it and its children end with the test.
func stopWithChildren(t *testing.T, command *exec.Cmd) {
	t.Helper()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, pid := range withDescendants([]int{command.Process.Pid}) {
			if process, err := os.FindProcess(pid); err == nil {
				_ = process.Kill()
			}
		}
		_ = command.Wait()
	})
}

func counter(dir string) int {
	raw, _ := os.ReadFile(filepath.Join(dir, "n"))
	n := 0
	_, _ = fmt.Sscan(string(raw), &n)
	return n
}

func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing happened for 20 seconds")
		}
	}
}
