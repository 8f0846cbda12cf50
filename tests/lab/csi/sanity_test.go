package csi

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kubernetes-csi/csi-test/v5/pkg/sanity"
)

// The public conformance suite, as block storage and as shared storage.
func TestSanityBlock(t *testing.T)  { inOwnProcess(t, func() { runSanity(t, true) }) }
func TestSanityShared(t *testing.T) { inOwnProcess(t, func() { runSanity(t, false) }) }

// inOwnProcess runs a test in a copy of this process: the suite keeps its state in global variables and
// can run only once.
func inOwnProcess(t *testing.T, test func()) {
	const child = "HOLDFAST_SANITY"
	if os.Getenv(child) == t.Name() {
		test()
		return
	}
	command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = append(os.Environ(), child+"="+t.Name())
	out, err := command.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

func runSanity(t *testing.T, attach bool) {
	// Not t.TempDir(): the path of a unix socket is limited to 107 bytes.
	dir, err := os.MkdirTemp("", "csi")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	driver, err := New(Options{Name: "sanity.csi.holdfast.dev", Root: filepath.Join(dir, "root"), Node: "node-a", Attach: attach})
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "csi.sock")
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- driver.Serve(ctx, socket) }()
	// The suite does not try again when it comes before the socket.
	waitFor(t, func() bool {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
	config := sanity.NewTestConfig()
	config.Address = socket
	config.TargetPath = filepath.Join(dir, "target")
	config.StagingPath = filepath.Join(dir, "staging")
	sanity.Test(t, config)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
