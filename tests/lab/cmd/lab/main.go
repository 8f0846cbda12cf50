// Command lab starts and stops a real Kubernetes control plane as plain processes on loopback. See
// package plane for what is in it, and plane.Lab for what it writes to DIR/lab.json.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"holdfast.test/lab/bulk"
	"holdfast.test/lab/plane"
	"holdfast.test/lab/process"
)

const usage = `usage:
  lab up [--seed FILE] [--no-seed] [--bin DIR] [--module DIR] [--limit DURATION] DIR
        start a lab in DIR and wait until the seed is as it should be
  lab down DIR            stop all its processes; logs and data remain
  lab status DIR          list its processes
  lab stop DIR PROCESS    kill one process, as a crash would
  lab start DIR PROCESS   start it again, on the same ports
  lab bulk DIR N          add N claims and N snapshots that no controller touches
  lab churn DIR N RATE DURATION
        change the first N of these claims in turn, RATE of them a second
`

var errUsage = errors.New("see the usage above")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		if errors.Is(err, errUsage) {
			fmt.Fprint(os.Stderr, usage)
			os.Exit(2)
		}
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	verb, args := args[0], args[1:]
	switch {
	case verb == "up":
		return up(ctx, args)
	case verb == "down" && len(args) == 1:
		return plane.Down(args[0])
	case verb == "status" && len(args) == 1:
		return status(args[0])
	case verb == "stop" && len(args) == 2:
		return plane.Stop(args[0], args[1])
	case verb == "start" && len(args) == 2:
		return plane.Start(ctx, args[0], args[1])
	case verb == "bulk" && len(args) == 2:
		return addBulk(ctx, args[0], args[1])
	case verb == "churn" && len(args) == 4:
		return churn(ctx, args)
	default:
		return errUsage
	}
}

func up(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	o := plane.Options{Steps: os.Stdout}
	flags.StringVar(&o.Bin, "bin", "", "directory of the programs (default: that of this one)")
	flags.StringVar(&o.Module, "module", "", "directory of the lab's Go module (default: found from here or from this program)")
	flags.StringVar(&o.Seed, "seed", "", "manifests to start from (default: src/sim/seed/shop.yaml of the module's repository)")
	bare := flags.Bool("no-seed", false, "start empty")
	flags.DurationVar(&o.Limit, "limit", 2*time.Minute, "how long it may take")
	if err := flags.Parse(args); err != nil || flags.NArg() != 1 {
		return errUsage
	}
	o.Dir = flags.Arg(0)
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if o.Bin == "" {
		o.Bin = filepath.Dir(program)
	}
	if o.Module == "" {
		if o.Module, err = findModule(filepath.Dir(program)); err != nil {
			return err
		}
	}
	if o.Seed == "" && !*bare {
		o.Seed = filepath.Join(o.Module, "../../src/sim/seed/shop.yaml")
	}
	lab, err := plane.Up(ctx, o)
	if err != nil {
		return err
	}
	fmt.Printf("%6.1fs  the lab is up: KUBECONFIG=%s\n", lab.Seconds, lab.Users["admin"].Kubeconfig)
	return nil
}

// findModule looks for tests/lab in the working directory, in that of the program, and above these.
func findModule(program string) (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for _, start := range []string{here, program} {
		for dir := start; ; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(dir, "tests/lab/go.mod")); err == nil {
				return filepath.Join(dir, "tests/lab"), nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", errors.New("the lab's Go module is not above here; say --module DIR")
}

func status(dir string) error {
	book, err := process.Open(dir)
	if err != nil {
		return err
	}
	defer book.Close()
	for _, p := range book.Processes {
		state := "stopped"
		if p.Running() {
			state = "running"
		} else if p.PID != 0 {
			state = "died"
		}
		fmt.Printf("%-24s %-8s %d\n", p.Name, state, p.PID)
	}
	return nil
}

func addBulk(ctx context.Context, dir, number string) error {
	count, err := strconv.Atoi(number)
	if err != nil || count < 1 {
		return fmt.Errorf("%q is not a number of objects", number)
	}
	began := time.Now()
	if err := bulk.Add(ctx, dir, count); err != nil {
		return err
	}
	fmt.Printf("%d claims and %d snapshots in %.1fs\n", count, count, time.Since(began).Seconds())
	return nil
}

func churn(ctx context.Context, args []string) error {
	count, errCount := strconv.Atoi(args[1])
	rate, errRate := strconv.Atoi(args[2])
	last, errLast := time.ParseDuration(args[3])
	if errors.Join(errCount, errRate, errLast) != nil || count < 1 || rate < 1 {
		return errUsage
	}
	changed, err := bulk.Churn(ctx, args[0], count, rate, last)
	fmt.Printf("%d changes in %s\n", changed, last)
	return err
}
