package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// grace is how long a process may take to end by itself.
const grace = 5 * time.Second

// Book is the list of a lab's processes, kept in DIR/processes.json. It is locked while open, so that
// launchers that work on the same lab do so one after the other.
type Book struct {
	dir       string
	lock      *os.File
	Processes []*Process
}

const lockName = "processes.lock"

// Claim makes dir a lab's directory, with an empty book. It refuses one that holds somebody else's files,
// because a lab clears its directory when it comes up.
func Claim(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	lock := filepath.Join(dir, lockName)
	if _, err := os.Stat(lock); err == nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty and was never a lab's directory", dir)
	}
	return os.WriteFile(lock, nil, 0o644)
}

// Open reads the book of the lab in dir and locks it. A directory without a lab is fs.ErrNotExist.
func Open(dir string) (*Book, error) {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("no lab was ever in %s: %w", dir, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	b := &Book{dir: dir, lock: lock}
	raw, err := os.ReadFile(b.path())
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &b.Processes)
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Close lets the next launcher in.
func (b *Book) Close() { b.lock.Close() }

func (b *Book) path() string { return filepath.Join(b.dir, "processes.json") }

func (b *Book) save() error {
	raw, err := json.MarshalIndent(b.Processes, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.path()+".new", append(raw, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(b.path()+".new", b.path())
}

// Find returns the process of that name.
func (b *Book) Find(name string) (*Process, error) {
	var names []string
	for _, p := range b.Processes {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("no process %q in this lab; it has %s", name, strings.Join(names, ", "))
}

// Launch starts a new process and writes it down. When it ends before ctx does, died is called with an
// error that says so and shows the end of its log.
func (b *Book) Launch(ctx context.Context, spec Spec, died func(error)) error {
	p := &Process{Name: spec.Name, Args: spec.Args, Env: spec.Env, Abrupt: spec.Abrupt, Log: filepath.Join(b.dir, "log", spec.Name+".log")}
	b.Processes = append(b.Processes, p)
	return b.launch(ctx, p, died)
}

func (b *Book) launch(ctx context.Context, p *Process, died func(error)) error {
	command, err := p.launch(b.dir)
	if err != nil {
		return err
	}
	go func() {
		err := command.Wait()
		if ctx.Err() == nil {
			died(fmt.Errorf("%s ended (%v); its log %s ends with\n%s", p.Name, err, p.Log, p.tail(15)))
		}
	}()
	return b.save()
}

// Start starts a process that was stopped, exactly as it was started first. It reports as Launch does.
func (b *Book) Start(ctx context.Context, name string, died func(error)) error {
	p, err := b.Find(name)
	if err != nil {
		return err
	}
	if p.Running() {
		return fmt.Errorf("%s runs already, as process %d", name, p.PID)
	}
	return b.launch(ctx, p, died)
}

// Kill ends a process at once, as a crash would.
func (b *Book) Kill(name string) error {
	p, err := b.Find(name)
	if err != nil {
		return err
	}
	if !p.Running() {
		return fmt.Errorf("%s does not run", name)
	}
	p.signal(syscall.SIGKILL)
	if !waitGone([]*Process{p}, grace) {
		return fmt.Errorf("%s (process %d) does not end", name, p.PID)
	}
	p.PID, p.Started = 0, 0
	return b.save()
}

// StopAll asks all processes to end, kills those that do not, and forgets them.
func (b *Book) StopAll() error {
	var polite []*Process
	for _, p := range slices.Backward(b.Processes) {
		if !p.Abrupt {
			p.signal(syscall.SIGTERM)
			polite = append(polite, p)
		}
	}
	waitGone(polite, grace)
	for _, p := range b.Processes {
		p.signal(syscall.SIGKILL)
	}
	if !waitGone(b.Processes, grace) {
		return errors.New("some processes do not end, see lab status")
	}
	b.Processes = nil
	return os.RemoveAll(b.path())
}
