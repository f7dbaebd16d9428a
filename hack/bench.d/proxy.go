package main

import (
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
)

// proxy is an HTTP proxy that remembers which hosts it was asked for. While it
// denies, no connection comes about.
type proxy struct {
	listener net.Listener
	deny     bool

	mu    sync.Mutex
	hosts map[string]int
}

// startProxy listens on the machine's own address, which daemons and the
// containers of a build reach.
func startProxy(deny bool) (*proxy, error) {
	// Nothing is sent: this only asks which address a connection would have.
	route, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return nil, err
	}
	route.Close()
	host, _, _ := net.SplitHostPort(route.LocalAddr().String())
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: listener, deny: deny, hosts: map[string]int{}}
	go func() { _ = http.Serve(listener, p) }()
	return p, nil
}

func (p *proxy) url() string { return "http://" + p.listener.Addr().String() }

func (p *proxy) stop() { p.listener.Close() }

// asked gives the hosts and how often each was asked for.
func (p *proxy) asked() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.hosts)
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.hosts[r.Host]++
	p.mu.Unlock()
	if p.deny || r.Method != http.MethodConnect {
		http.Error(w, "denied by hack/bench", http.StatusForbidden)
		return
	}
	server, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer client.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(server, buffer)
		_ = server.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(client, server)
}

func hostNames(hosts map[string]int) []string { return slices.Sorted(maps.Keys(hosts)) }
