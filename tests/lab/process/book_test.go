package process

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *Book {
	t.Helper()
	if err := Claim(dir); err != nil {
		t.Fatal(err)
	}
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func sleeper(name string) Spec { return Spec{Name: name, Args: []string{"/bin/sleep", "600"}} }

func ignore(error) {}

func TestAnotherLauncherKillsAndStartsAgain(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	if err := first.Launch(context.Background(), sleeper("one"), ignore); err != nil {
		t.Fatal(err)
	}
	first.Close()

	second := open(t, dir)
	t.Cleanup(func() { _ = second.StopAll() })
	one, err := second.Find("one")
	if err != nil || !one.Running() {
		t.Fatal("the process is not in the book", err)
	}
	pid := one.PID
	if err := second.Start(context.Background(), "one", ignore); err == nil {
		t.Error("a running process was started again")
	}
	if err := second.Kill("one"); err != nil || one.Running() {
		t.Error("it still runs", err)
	}
	if err := second.Start(context.Background(), "one", ignore); err != nil || !one.Running() || one.PID == pid {
		t.Error("it was not started again", err)
	}
	if _, err := second.Find("two"); err == nil || !strings.Contains(err.Error(), "one") {
		t.Error("the error does not say what there is:", err)
	}
}

func TestStrangerWithTheSameIdIsLeftAlone(t *testing.T) {
	book := open(t, t.TempDir())
	if err := book.Launch(context.Background(), sleeper("stranger"), ignore); err != nil {
		t.Fatal(err)
	}
	stranger := *book.Processes[0]
	t.Cleanup(func() { stranger.signal(9) })

	book.Processes[0].Started-- // our process started at another time
	if err := book.Kill("stranger"); err == nil {
		t.Error("it was killed")
	}
	if err := book.StopAll(); err != nil {
		t.Error(err)
	}
	if !stranger.Running() {
		t.Error("the stranger is gone")
	}
}

func TestDeathIsReportedWithTheLog(t *testing.T) {
	book := open(t, t.TempDir())
	deaths := make(chan error, 1)
	spec := Spec{Name: "brief", Args: []string{"/bin/sh", "-c", "echo no such port; exit 3"}}
	if err := book.Launch(context.Background(), spec, func(err error) { deaths <- err }); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-deaths:
		for _, part := range []string{"brief", "exit status 3", "no such port"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q lacks %q", err, part)
			}
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nobody told")
	}
}

func TestStopAllKillsWhatDoesNotEnd(t *testing.T) {
	book := open(t, t.TempDir())
	stubborn := Spec{Name: "stubborn", Abrupt: true, Args: []string{"/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"}}
	for _, spec := range []Spec{stubborn, sleeper("polite")} {
		if err := book.Launch(context.Background(), spec, ignore); err != nil {
			t.Fatal(err)
		}
	}
	all := book.Processes
	if err := book.StopAll(); err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		if p.Running() {
			t.Errorf("%s still runs", p.Name)
		}
	}
	if _, err := os.Stat(book.path()); err == nil {
		t.Error("the book still lists them")
	}
}

func TestDirectoryOfSomebodyElseIsNotTaken(t *testing.T) {
	dir := t.TempDir()
	if err := Claim(dir); err != nil {
		t.Fatal(err)
	}
	if err := Claim(dir); err != nil {
		t.Errorf("a lab's own directory is refused: %v", err)
	}
	theirs := t.TempDir()
	if err := os.Mkdir(filepath.Join(theirs, "config"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Claim(theirs); err == nil {
		t.Error("a directory with other files was taken")
	}
}
