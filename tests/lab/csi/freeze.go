package csi

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// freezer stops the processes that write volumes while these are copied, so that a copy made file by
// file is as atomic as the snapshot of a block device. A writer registers by a file WRITERS/HANDLE with
// one process id per line; its descendants are stopped with it. Registration ends when the file goes.
type freezer struct{ dir string }

// stopLimit is how long a process may take to stop; one in an uninterruptible call needs a moment.
const stopLimit = 5 * time.Second

// freeze stops all writers of the volumes and returns what lets them run again. The caller calls thaw
// always, also after an error.
func (f freezer) freeze(volumes []string) (thaw func(), err error) {
	var frozen []int
	thaw = func() {
		for _, pid := range slices.Backward(frozen) {
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	}
	roots, err := f.registered(volumes)
	if err != nil {
		return thaw, err
	}
	// A process that still ran while its siblings were found may have started another: look again until
	// nothing new turns up.
	for {
		found := withDescendants(roots)
		fresh := slices.DeleteFunc(found, func(pid int) bool { return slices.Contains(frozen, pid) })
		if len(fresh) == 0 {
			return thaw, nil
		}
		for _, pid := range fresh {
			frozen = append(frozen, pid)
			if err := stopProcess(pid); err != nil {
				return thaw, err
			}
		}
	}
}

// thawAll lets every registered writer run: a driver that was killed while it copied owes it to them.
func (f freezer) thawAll() {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return
	}
	var volumes []string
	for _, entry := range entries {
		volumes = append(volumes, entry.Name())
	}
	roots, _ := f.registered(volumes)
	for _, pid := range withDescendants(roots) {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
}

func (f freezer) registered(volumes []string) ([]int, error) {
	var pids []int
	for _, volume := range volumes {
		raw, err := os.ReadFile(filepath.Join(f.dir, volume))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(strings.NewReader(string(raw)))
		for lines.Scan() {
			line := strings.TrimSpace(lines.Text())
			if line == "" {
				continue
			}
			pid, err := strconv.Atoi(line)
			if err != nil || pid <= 1 || pid == os.Getpid() {
				return nil, fmt.Errorf("writers of volume %s: %q is not the id of a process to stop", volume, line)
			}
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// stopProcess sends SIGSTOP and waits until the kernel has stopped the process; one that is gone is fine.
func stopProcess(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		if errors.Is(err, syscall.ESRCH) {
			return nil
		}
		return fmt.Errorf("stop process %d: %w", pid, err)
	}
	for deadline := time.Now().Add(stopLimit); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		state, _, alive := processStat(pid)
		if !alive || strings.ContainsRune("TtZX", rune(state)) {
			return nil
		}
	}
	return fmt.Errorf("process %d did not stop within %s", pid, stopLimit)
}

// withDescendants returns the live processes among roots, and theirs, parents first.
func withDescendants(roots []int) []int {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			if _, parent, alive := processStat(pid); alive {
				children[parent] = append(children[parent], pid)
			}
		}
	}
	var found []int
	for queue := slices.Clone(roots); len(queue) > 0; queue = queue[1:] {
		pid := queue[0]
		if _, _, alive := processStat(pid); alive && !slices.Contains(found, pid) {
			found = append(found, pid)
			queue = append(queue, children[pid]...)
		}
	}
	return found
}

// processStat reads the state letter and the parent of a process.
func processStat(pid int) (state byte, parent int, alive bool) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, false
	}
	// The name in parentheses may hold anything; the fields after its last ")" are plain.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(fields) < 2 {
		return 0, 0, false
	}
	parent, err = strconv.Atoi(fields[1])
	return fields[0][0], parent, err == nil
}
