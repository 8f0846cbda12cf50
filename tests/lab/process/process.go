// Package process starts and stops the lab's processes. Each runs in a process group of its own and
// outlives the launcher, so a book on disk remembers how it was started, its process id and its start
// time: a later launcher signals a process only when both still agree, never a stranger that got the
// same id.
package process

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one program of the lab. PID is 0 while it is not meant to run.
type Process struct {
	Name    string   `json:"name"`
	Args    []string `json:"args"`          // Args[0] is the absolute path of the program
	Env     []string `json:"env,omitempty"` // added to the launcher's
	Log     string   `json:"log"`
	PID     int      `json:"pid"`
	Started uint64   `json:"started"` // in clock ticks since the machine booted, as the kernel has it
	// Abrupt processes are killed when the lab stops, after the others: they would wait long for clients
	// to go, and have nothing to finish that outlives the lab.
	Abrupt bool `json:"abrupt,omitempty"`
}

// Spec says what to start.
type Spec struct {
	Name   string
	Args   []string
	Env    []string
	Abrupt bool
}

// launch starts the program in dir with its output appended to the log. The caller must Wait.
func (p *Process) launch(dir string) (*exec.Cmd, error) {
	if err := os.MkdirAll(filepath.Dir(p.Log), 0o755); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	command := exec.Command(p.Args[0], p.Args[1:]...)
	command.Dir = dir
	command.Env = append(os.Environ(), p.Env...)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	p.PID = command.Process.Pid
	p.Started, _ = startTime(p.PID)
	return command, nil
}

// Running tells whether the process that was started is still there.
func (p *Process) Running() bool {
	if p.PID == 0 {
		return false
	}
	started, alive := startTime(p.PID)
	return alive && started == p.Started
}

// signal goes to the whole process group.
func (p *Process) signal(s syscall.Signal) {
	if p.Running() {
		_ = syscall.Kill(-p.PID, s)
	}
}

// tail returns the last lines of the log.
func (p *Process) tail(lines int) string {
	raw, err := os.ReadFile(p.Log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// waitGone waits until none of the processes runs.
func waitGone(processes []*Process, limit time.Duration) bool {
	for deadline := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		running := 0
		for _, p := range processes {
			if p.Running() {
				running++
			}
		}
		if running == 0 || time.Now().After(deadline) {
			return running == 0
		}
	}
}

// startTime reads when a process started. A zombie counts as gone, but not before its last thread is:
// until then it may hold a port.
func startTime(pid int) (uint64, bool) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	// Fields are counted after the name in parentheses, which may hold anything: state is 0, starttime 19.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 20 || fields[0] == "X" {
		return 0, false
	}
	if fields[0] == "Z" {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil || len(threads) <= 1 {
			return 0, false
		}
	}
	ticks, err := strconv.ParseUint(fields[19], 10, 64)
	return ticks, err == nil
}
