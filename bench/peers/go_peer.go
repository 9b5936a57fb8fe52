// go_peer.go: our rows with goroutines and channels, the nearest that Go has to actors and mailboxes.
// Usage: go_peer REPETITIONS, prints lines "ROW ns_per_item checksum"; what each row does is in README.md.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// row runs act once unmeasured and then once measured.
func row(name string, workers int, items int, act func() uint64) {
	runtime.GOMAXPROCS(workers)
	act()
	began := time.Now()
	checksum := act()
	took := time.Since(began)
	fmt.Printf("%s %.2f %d\n", name, float64(took.Nanoseconds())/float64(items), checksum)
}

// tellWindow: the channel has room for the window; the sum of each window goes back behind it.
func tellWindow() uint64 {
	const window = 1000
	const messages = 1000000
	mail := make(chan uint64, window)
	sums := make(chan uint64)
	go func() {
		var sum, seen uint64
		for value := range mail {
			sum += value
			if seen++; seen == window {
				sums <- sum
				sum, seen = 0, 0
			}
		}
	}()
	var total uint64
	for sent := 0; sent < messages; sent += window {
		for i := uint64(0); i < window; i++ {
			mail <- i
		}
		total += <-sums
	}
	close(mail)
	return total
}

func ringHop() uint64 {
	const size = 503
	const hops = 500000
	var mail [size]chan uint64
	for i := range mail {
		mail[i] = make(chan uint64, 1)
	}
	done := make(chan struct{})
	seen := make(chan uint64, 1)
	for i := range mail {
		go func(i int) {
			own, next := mail[i], mail[(i+1)%size]
			var count uint64
			for hopsLeft := range own {
				count++
				if hopsLeft > 0 {
					next <- hopsLeft - 1
				} else {
					close(done)
				}
			}
			if i == 0 {
				seen <- count
			}
		}(i)
	}
	mail[0] <- hops
	<-done
	for i := range mail {
		close(mail[i])
	}
	return <-seen
}

// ask: each request carries nothing but the channel that the answer comes back on, made once.
func ask() uint64 {
	const asks = 200000
	requests := make(chan chan uint64)
	go func() {
		var sum uint64
		for reply := range requests {
			reply <- sum
		}
	}()
	reply := make(chan uint64, 1)
	var answered uint64
	for i := 0; i < asks; i++ {
		requests <- reply
		<-reply
		answered++
	}
	close(requests)
	return answered
}

func spawnTellStop() uint64 {
	const rounds = 100
	const actors = 1000
	var spawned uint64
	for round := 0; round < rounds; round++ {
		var living sync.WaitGroup
		living.Add(actors)
		for i := uint64(0); i < actors; i++ {
			mail := make(chan uint64, 1)
			go func() {
				<-mail
				living.Done()
			}()
			mail <- i
			spawned++
		}
		living.Wait()
	}
	return spawned
}

func main() {
	repetitions := 1
	if len(os.Args) > 1 {
		repetitions, _ = strconv.Atoi(os.Args[1])
	}
	for i := 0; i < repetitions; i++ {
		row("F1a", 1, 1000000, tellWindow)
		row("F1b", 2, 1000000, tellWindow)
		row("F1e", 1, 500000, ringHop)
		row("F2a", 1, 200000, ask)
		row("F3a", 1, 100000, spawnTellStop)
	}
}
