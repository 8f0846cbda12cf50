package plane

import (
	"fmt"
	"time"

	"holdfast.test/lab/process"
)

// storage is one CSI driver with its sidecars.
type storage struct {
	part   string // name of the process, of its directory under csi/, and of its user
	driver string // as in manifests/cluster.yaml
	attach bool
}

var storages = []storage{
	{part: "csi-block", driver: "block.csi.holdfast.dev", attach: true},
	{part: "csi-shared", driver: "shared.csi.holdfast.dev"},
}

func (s *site) root(st storage) string   { return s.path("csi", st.part) }
func (s *site) socket(st storage) string { return s.path("csi", st.part+".sock") }

func (s *site) program(name, binary string, flags ...string) process.Spec {
	return process.Spec{Name: name, Args: append([]string{s.bin + "/" + binary}, flags...)}
}

// base are the processes that everything else needs.
func (s *site) base() []process.Spec {
	etcd := fmt.Sprintf("http://%s:%d", loopback, s.etcdPort)
	peer := fmt.Sprintf("http://%s:%d", loopback, s.peerPort)
	specs := []process.Spec{
		s.program("etcd", "server", // the binary is called as its package
			"--data-dir="+s.path("etcd"),
			"--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
			"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer,
			"--initial-cluster=default="+peer,
			"--quota-backend-bytes=8589934592",
			"--log-level=warn",
			"--unsafe-no-fsync"), // a lab does not outlive the machine
		s.program("apiserver", "kube-apiserver",
			"--etcd-servers="+etcd,
			"--bind-address="+loopback, "--advertise-address="+loopback,
			fmt.Sprintf("--secure-port=%d", s.apiPort),
			"--tls-cert-file="+s.path("pki/apiserver.crt"), "--tls-private-key-file="+s.path("pki/apiserver.key"),
			"--client-ca-file="+s.path("pki/ca.crt"),
			"--token-auth-file="+s.path("pki/tokens.csv"),
			"--service-account-issuer=https://kubernetes.default.svc",
			"--service-account-key-file="+s.path("pki/sa.pub"), "--service-account-signing-key-file="+s.path("pki/sa.key"),
			"--service-cluster-ip-range=10.0.0.0/24",
			"--authorization-mode=RBAC",
			"--kubelet-client-certificate="+s.path("pki/kubelet-client.crt"), "--kubelet-client-key="+s.path("pki/kubelet-client.key"),
			"--kubelet-certificate-authority="+s.path("pki/ca.crt"),
			"--kubelet-preferred-address-types=InternalIP",
			"--audit-log-path="+s.path("audit.log"), "--audit-policy-file="+s.path("config/audit.yaml"),
			"--audit-log-maxsize=100000", // in MB: tests read one file, never rotate it
			"--endpoint-reconciler-type=none",
			// Every five minutes it would compare all it holds with etcd. With 200,000 objects that takes minutes of
			// the processors that a measurement shares.
			"--feature-gates=DetectCacheInconsistency=false",
			"--disable-admission-plugins=ServiceAccount"), // pods need no tokens: nothing runs in them
	}
	for i := range specs {
		specs[i].Abrupt = true
		// Memory for speed, up to a limit: a bulk of objects takes a third less time.
		specs[i].Env = []string{"GOGC=300", "GOMEMLIMIT=2GiB"}
	}
	return specs
}

// nodes are the processes that make objects behave, apart from storage and certificates.
func (s *site) nodes() []process.Spec {
	kubeconfigs := func(part string) []string {
		file := s.kubeconfig(part)
		return []string{"--kubeconfig=" + file, "--authentication-kubeconfig=" + file, "--authorization-kubeconfig=" + file,
			"--secure-port=0", "--leader-elect=false"}
	}
	kubelet := fmt.Sprintf("%s:%d", loopback, s.kubeletPort)
	return []process.Spec{
		s.program("controller-manager", "kube-controller-manager", append(kubeconfigs("controller-manager"),
			"--service-account-private-key-file="+s.path("pki/sa.key"), "--root-ca-file="+s.path("pki/ca.crt"),
			// Node lifecycle stays: it takes the not-ready taint away.
			"--controllers=*,-node-ipam-controller,-node-route-controller,-service-lb-controller,-cloud-node-lifecycle-controller",
			"--kube-api-qps=200", "--kube-api-burst=400")...),
		s.program("scheduler", "kube-scheduler", kubeconfigs("scheduler")...),
		s.program("kwok", "kwok",
			"--kubeconfig="+s.kubeconfig("kwok"),
			"--manage-all-nodes=true", "--node-ip="+loopback, fmt.Sprintf("--node-port=%d", s.kubeletPort),
			"--server-address="+kubelet, "--node-lease-duration-seconds=40",
			"--tls-cert-file="+s.path("pki/kubelet.crt"), "--tls-private-key-file="+s.path("pki/kubelet.key"),
			"--config="+s.path("config/kwok.yaml"),
			// Tests say by objects what exec and port-forward into a pod reach on this machine.
			"--enable-crds=Exec,ClusterExec,PortForward,ClusterPortForward"),
		s.program("pod-servers", "pod-servers", "--kubeconfig="+s.kubeconfig("pod-servers"), "--root="+s.path("pods")),
	}
}

// drivers are the CSI drivers; their sidecars need the sockets.
func (s *site) drivers() []process.Spec {
	var all []process.Spec
	for _, st := range storages {
		all = append(all, s.program(st.part, "csi-driver",
			"--name="+st.driver, "--root="+s.root(st), "--socket="+s.socket(st), fmt.Sprintf("--attach=%t", st.attach)))
	}
	return all
}

// Sidecars try again soon: a test that orders a fault waits for the end of it.
const (
	retryStart = 500 * time.Millisecond
	retryMax   = 2 * time.Second
)

// controllers are the processes that need custom resources and drivers to be there.
func (s *site) controllers() []process.Spec {
	all := []process.Spec{
		s.program("snapshot-controller", "snapshot-controller",
			"--kubeconfig="+s.kubeconfig("snapshot-controller"), "--kube-api-qps=100", "--kube-api-burst=200",
			"--retry-interval-start="+retryStart.String(), "--retry-interval-max="+retryMax.String()),
		s.program("cert-manager", "cert-manager", "--kubeconfig="+s.kubeconfig("cert-manager")),
	}
	for _, st := range storages {
		common := []string{
			"--kubeconfig=" + s.kubeconfig(st.part), "--csi-address=" + s.socket(st), "--leader-election=false",
			"--retry-interval-start=" + retryStart.String(), "--retry-interval-max=" + retryMax.String(),
			// The default of 5 requests a second is used up by what is tried again for ever.
			"--kube-api-qps=100", "--kube-api-burst=200",
		}
		with := func(flags ...string) []string { return append(append([]string{}, common...), flags...) }
		all = append(all,
			s.program(st.part+"-provisioner", "csi-provisioner", with("--feature-gates=Topology=false", "--extra-create-metadata=true")...),
			s.program(st.part+"-snapshotter", "csi-snapshotter", with("--extra-create-metadata=true")...))
		if st.attach {
			all = append(all, s.program(st.part+"-attacher", "csi-attacher", with()...))
		}
	}
	return all
}
