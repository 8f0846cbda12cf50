package plane

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"holdfast.test/lab/kube"
	"holdfast.test/lab/process"
)

// Down stops all processes of the lab in dir. Logs and data remain; a lab that is not up is no error.
func Down(dir string) error {
	book, err := process.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer book.Close()
	if err := os.RemoveAll(labFile(dir)); err != nil {
		return err
	}
	return book.StopAll()
}

// Stop kills one process, as a crash would.
func Stop(dir, name string) error {
	book, err := process.Open(dir)
	if err != nil {
		return err
	}
	defer book.Close()
	return book.Kill(name)
}

// Start starts a process again that was stopped, and waits for the API server if it is that.
func Start(ctx context.Context, dir, name string) error {
	book, err := process.Open(dir)
	if err != nil {
		return err
	}
	defer book.Close()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	if err := book.Start(ctx, name, fail); err != nil {
		return err
	}
	if name != "apiserver" {
		return nil
	}
	client, err := kube.Connect(OwnKubeconfig(dir))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("the API server is not ready after a minute"))
	defer cancel()
	return waitReady(ctx, client)
}
