// Command csi-driver serves the directory CSI driver on a unix socket.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"holdfast.test/lab/csi"
)

func main() {
	var o csi.Options
	socket := flag.String("socket", "", "unix socket to serve on")
	flag.StringVar(&o.Name, "name", "", "name of the driver")
	flag.StringVar(&o.Root, "root", "", "directory for volumes, snapshots and control files")
	flag.StringVar(&o.Node, "node", "lab-node", "node this process answers for")
	flag.BoolVar(&o.Attach, "attach", false, "block storage: attach volumes, one node at a time")
	flag.Parse()
	if *socket == "" || o.Name == "" || o.Root == "" {
		log.Fatal("--socket, --name and --root are needed")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	driver, err := csi.New(o)
	if err != nil {
		log.Fatal(err)
	}
	if err := driver.Serve(ctx, *socket); err != nil {
		log.Fatal(err)
	}
}
