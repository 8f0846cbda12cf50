// Command pod-servers runs TLS servers for the pods that ask for one by an annotation. See package served.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"holdfast.test/lab/served"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "access to the cluster")
	root := flag.String("root", "", "directory for the volumes of pods")
	flag.Parse()
	if *kubeconfig == "" || *root == "" {
		log.Fatal("--kubeconfig and --root are needed")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	kubelet, err := served.New(config, *root)
	if err != nil {
		log.Fatal(err)
	}
	if err := kubelet.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
