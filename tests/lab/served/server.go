package served

import (
	"crypto/tls"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// handshakeLimit ends connections of clients that say nothing.
const handshakeLimit = 10 * time.Second

// server is what listens in one pod.
type server struct {
	listener net.Listener
	open     sync.Map // of net.Conn, to cut them when the pod goes
}

func (s *server) port() int32 { return int32(s.listener.Addr().(*net.TCPAddr).Port) }

func (s *server) stop() {
	_ = s.listener.Close()
	s.open.Range(func(connection, _ any) bool {
		_ = connection.(net.Conn).Close()
		return true
	})
}

// serve gives every connection to handle until the server is stopped.
func (s *server) serve(handle func(net.Conn)) {
	for {
		connection, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.open.Store(connection, nil)
		go func() {
			defer s.open.Delete(connection)
			defer connection.Close()
			handle(connection)
		}()
	}
}

func listen(handle func(net.Conn)) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{listener: listener}
	go s.serve(handle)
	return s, nil
}

// plain greets in the clear, as mail servers do, and knows no TLS.
func plain() (*server, error) {
	return listen(func(connection net.Conn) {
		_, _ = connection.Write([]byte("220 ready\r\n"))
		_ = connection.SetDeadline(time.Now().Add(handshakeLimit))
		_, _ = connection.Read(make([]byte, 1024))
	})
}

// files serves the pair in a directory: read for each handshake, or once and for all.
func files(dir string, once bool) (*server, error) {
	read := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, corev1.TLSCertKey), filepath.Join(dir, corev1.TLSPrivateKeyKey))
		return &pair, err
	}
	if once {
		pair, err := read()
		if err != nil {
			return nil, err
		}
		read = func() (*tls.Certificate, error) { return pair, nil }
	}
	config := &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return read() },
		// Each handshake shows the certificate: none is taken up again.
		SessionTicketsDisabled: true,
	}
	return listen(func(connection net.Conn) {
		_ = connection.SetDeadline(time.Now().Add(handshakeLimit))
		secured := tls.Server(connection, config)
		if err := secured.Handshake(); err != nil && !errors.Is(err, net.ErrClosed) {
			return
		}
		// Nothing is said over it; it lasts until the client goes.
		_, _ = secured.Read(make([]byte, 1024))
	})
}
